"""Commands that look: the plan, the queue, the log, sessions, members."""

import json
from collections.abc import Iterable
from datetime import datetime

import click
from sqlalchemy import select

from service.cli.root import root, with_parts
from service.flows import show
from service.flows.consider import Planned, consider, gather
from service.flows.plan import plan
from service.models import Group, Practice
from service.rules.rows import NotReadable, instant
from service.wiring import Parts


class Instant(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return instant(str(value))
        except NotReadable:
            self.fail(f"{value} is not an instant. Write it like 2026-03-06T12:00:00Z.", param, ctx)


INSTANT = Instant()
days = click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How far ahead.")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@root.command("queue")
@days
@as_json
@with_parts
def queue_command(parts: Parts, days: int, as_json: bool) -> None:
    """What goes out next."""
    with parts.read_db() as db:
        _print(show.queue(db, parts.clock(), days), as_json, "{due_at}  {kind:10} {channel:5} {why}")


@root.command("log")
@click.option("--since", type=INSTANT, help="Only what was due from here on.")
@as_json
@with_parts
def log_command(parts: Parts, since: datetime | None, as_json: bool) -> None:
    """What became of what was due."""
    with parts.read_db() as db:
        _print(show.log(db, parts.clock(), since), as_json, "{due_at}  {kind:10} {channel:5} {state:11} {reason}")


@root.command("sessions")
@days
@as_json
@with_parts
def sessions_command(parts: Parts, days: int, as_json: bool) -> None:
    """The next sessions, and how many come."""
    with parts.read_db() as db:
        line = "{starts_at}  {group:24} {state:9} {coming} coming, {cannot} can't, {silent} silent"
        _print(show.sessions(db, parts.clock(), days), as_json, line)


@root.command("members")
@as_json
@with_parts
def members_command(parts: Parts, as_json: bool) -> None:
    """The members, and what they agreed to."""
    with parts.read_db() as db:
        _print(show.members(db), as_json, "{id}  {channel:5} {language}  {state:13} {consents}")


@root.command("plan")
@click.option("--dry-run", is_flag=True, help="Say what would go out, what would not, and why. Changes nothing.")
@click.option("--as-of", type=INSTANT, help="As if it were this instant.")
@as_json
@with_parts
def plan_command(parts: Parts, dry_run: bool, as_of: datetime | None, as_json: bool) -> None:
    """Plan the deliveries of the coming fortnight. Safe to repeat."""
    if dry_run:
        with parts.read_db() as db:
            now = as_of or parts.clock()
            practice = db.scalars(select(Practice)).one()
            facts = [gather(db, group, practice, now) for group in db.scalars(Group.open())]
            considered = (one for group in facts for one in consider(group))
            _print(map(_as_planned, considered), as_json, "{due_at}  {kind:10} {channel:5} {would}")
        return
    if as_of is not None:
        raise click.UsageError("--as-of only looks: use it with --dry-run.")
    with parts.open_db() as db:
        changes = plan(db, parts.clock())
    click.echo(f"{changes.planned} planned, {changes.moved} moved, {changes.dropped} dropped")


def _as_planned(one: Planned) -> dict[str, object]:
    return {
        "id": str(one.id),
        "kind": one.rule.kind.value,
        "rule_id": str(one.rule.id),
        "group_session_id": str(one.group_session.id),
        "member_id": str(one.member.id),
        "channel": one.channel.value,
        "due_at": one.due_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "send_at": one.next_at.isoformat(timespec="seconds").replace("+00:00", "Z") if not one.refusal else None,
        "would": f"not go: {one.refusal}" if one.refusal else f"go: {one.why}",
    }


def _print(lines: Iterable[dict[str, object]], as_json: bool, form: str) -> None:
    nothing = True
    for line in lines:
        nothing = False
        click.echo(
            json.dumps(line) if as_json else form.format_map({k: "" if v is None else v for k, v in line.items()})
        )
    if nothing and not as_json:
        click.echo("Nothing.")
