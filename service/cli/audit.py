"""Whether what is only added to is still as it was written."""

import click

from service.cli.root import Failed, root, with_parts
from service.flows import chains, heads
from service.wiring import Parts


@root.group("audit")
def audit_group() -> None:
    """The ledgers of consents and of what staff did."""


@audit_group.command("verify")
@with_parts
def verify_command(parts: Parts) -> None:
    """Follow both chains from their first row to the last one that was noted outside the database. Exit code 1 where a
    row was changed or taken away, and which."""
    noted = heads.kept(parts.settings.data_dir)
    with parts.read_db() as db:
        found = chains.verify(db, noted)
    for chain in found:
        click.echo(chain.words, err=chain.first_bad is not None)
    since = f"compared with {noted[0].day} to {noted[-1].day}" if noted else "nothing noted yet"
    click.echo(f"{parts.settings.data_dir / heads.FILE}: {since}")
    if any(chain.first_bad is not None for chain in found):
        raise Failed("The ledgers are not as they were written.")
