"""Groups and members from CSV files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from service.cli.progress import progress
from service.cli.root import Failed, root, with_parts
from service.flows import import_file
from service.flows.import_file import Checked
from service.flows.plan import plan
from service.models import Group
from service.rules.tables import MOST_BYTES, BadTable
from service.wiring import Parts

dry_run_option = click.option("--dry-run", is_flag=True, help="Check every row, write nothing.")
keep_good_option = click.option("--keep-good", is_flag=True, help="Write the good rows although others are bad.")


@root.group("import")
def import_group() -> None:
    """Groups and members from CSV files. Every row is checked first; with a bad one nothing is written."""


@import_group.command("groups")
@click.argument("file", type=click.Path(path_type=Path))
@dry_run_option
@keep_good_option
@with_parts
def groups_command(parts: Parts, file: Path, dry_run: bool, keep_good: bool) -> None:
    """Groups and their series. Columns: group,starts_on,time and more, see the README."""
    data = _read(file)
    _import(
        parts,
        "groups",
        lambda db: import_file.check_groups(db, data, parts.clock()),
        lambda db, rows, step: import_file.write_groups(db, rows, parts.clock(), step),
        dry_run=dry_run,
        keep_good=keep_good,
    )


@import_group.command("members")
@click.argument("file", type=click.Path(path_type=Path))
@dry_run_option
@keep_good_option
@click.option("--shared-phones", is_flag=True, help="Members with the same number share a phone, and both know.")
@with_parts
def members_command(parts: Parts, file: Path, dry_run: bool, keep_good: bool, shared_phones: bool) -> None:
    """Members and their groups, with their consent where the row gives the evidence."""
    data = _read(file)
    _import(
        parts,
        "members",
        lambda db: import_file.check_members(db, data, parts.clock(), shared_ok=shared_phones),
        lambda db, rows, step: import_file.write_members(db, rows, parts.clock(), step, shared_ok=shared_phones),
        dry_run=dry_run,
        keep_good=keep_good,
    )


def _import(
    parts: Parts,
    what: str,
    check: Callable[[Session], Checked[Any]],
    write: Callable[[Session, Any, Callable[[], None]], list[Group] | None],
    *,
    dry_run: bool,
    keep_good: bool,
) -> None:
    try:
        with parts.open_db() as db:
            checked = check(db)
            for error in checked.errors:
                click.echo(str(error), err=True)
            for notice in checked.notices:
                click.echo(f"note: {notice}", err=True)
            writes = not dry_run and (keep_good or not checked.errors)
            to_plan: list[Group] = []
            if writes:
                with progress(f"Importing {what}", len(checked.good)) as step:
                    to_plan = write(db, checked.good, step) or []
        _plan(parts, to_plan)
    except BadTable as error:
        raise Failed(str(error.error)) from error
    done = "imported" if writes else "would be imported" if dry_run else "not imported"
    bad = len({error.line for error in checked.errors})
    click.echo(f"{len(checked.good)} {what} {done}" + (f", {bad} bad rows" if bad else ""))
    if checked.errors:
        raise Failed("Mend the rows above and try again, or keep the good ones with --keep-good." if not writes else "")


def _plan(parts: Parts, groups: list[Group]) -> None:
    """A transaction for each group: messages that are due meanwhile do not wait for the last one."""
    with progress("Planning", len(groups)) as step:
        for group in groups:
            with parts.open_db() as db:
                plan(db, parts.clock(), [db.get_one(Group, group.id)])
            step()


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Failed(f"{file} is larger than {MOST_BYTES // 1_000_000} MB. Split it.")
        return file.read_bytes()
    except OSError as error:
        raise Failed(f"Cannot read {file}: {error.strerror}.") from error
