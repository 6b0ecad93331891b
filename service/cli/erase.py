"""A member is forgotten, from the command line."""

from dataclasses import asdict
from uuid import UUID

import click

from service.cli.root import Failed, root, with_parts
from service.database import overwrite_deleted
from service.flows import blank
from service.flows import erase as erasing
from service.models import Member
from service.wiring import Parts


@root.command("erase")
@click.argument("member_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_parts
def erase_command(parts: Parts, member_id: UUID, yes: bool) -> None:
    """Delete who a member is and what they wrote; counts and the hash that keeps them unwritten-to stay.

    `groupkeeper members --json` lists the ids.
    """
    with parts.read_db() as db:
        there = erasing.count(db, _member(db.get(Member, member_id)), parts.clock())
    click.echo(", ".join(f"{name}: {number}" for name, number in asdict(there).items()))
    if not yes:
        click.confirm("Erase all of it? Nobody can bring it back.", abort=True)
    with parts.open_db() as db:
        try:
            erasing.erase(db, _member(db.get(Member, member_id)), None, parts.clock())
        except erasing.NotNow as refused:
            raise Failed(str(refused)) from refused
    overwrite_deleted(parts.engine)
    with parts.read_db() as db:
        left = blank.left_of(db, db.get_one(Member, member_id))
    click.echo("Erased. Only counts are left.")
    if left:
        texts = "1 text of theirs is" if left == 1 else f"{left} texts of theirs are"
        click.echo(f"{texts} still at the text provider. The clock has the words blanked there.")


def _member(found: Member | None) -> Member:
    if found is None or found.erased_at is not None:
        raise Failed("There is no such member. `groupkeeper members --json` lists their ids.")
    return found
