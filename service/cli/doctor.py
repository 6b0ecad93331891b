"""Checks everything that can be wrong, and says how to mend it."""

import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click
from sqlalchemy import func, select, text

from service.cli.public_address import look_at
from service.cli.root import root, settings
from service.embedded import redis_url, socket_path
from service.flows import blank, chains, heads, heartbeat, second_factor
from service.flows.watching import unwatched
from service.models import Delivery, Group, Member, Practice, Sender, Staff
from service.models.sealed import LOCKED
from service.rules.lifecycle import State
from service.rules.lines import LINES
from service.rules.zones import known_zone
from service.settings import SANDBOX_TOKEN, SettingsError
from service.upgrade import WrongVersion, check
from service.wiring import Parts, build

Finding = tuple[bool, str]
"""Whether it is well, and what was found: where it is not, with how to mend it."""


@root.command("doctor")
def doctor_command() -> None:
    """Check settings, keys, database, queue, providers. Exit code 1 if something must be mended."""
    all_well = True
    try:
        settings()
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"MEND  settings: {problem}")
        sys.exit(1)
    for name, look in CHECKS:
        for is_well, words in _careful(look):
            all_well &= is_well
            click.echo(f"{'ok  ' if is_well else 'MEND'}  {name}: {words}")
    sys.exit(0 if all_well else 1)


def _careful(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that cannot be made is a finding too."""
    try:
        yield from look()
    except WrongVersion as error:
        yield False, str(error)
    except Exception as error:  # whatever is broken, the other checks still say their word
        yield False, f"could not be checked ({type(error).__name__}). Mend what stands above first."


def _parts() -> Parts:
    return build(settings(), stays=False)


def _settings() -> Iterator[Finding]:
    given = settings()
    yield True, f"{given.mode} mode, pages at {given.public_url}"
    if not given.is_practice and urlsplit(given.public_url).hostname in ("127.0.0.1", "localhost"):
        yield False, "PUBLIC_URL is this machine: providers cannot reach it. Set the public address."
    if not given.is_practice and given.twilio.auth_token == SANDBOX_TOKEN:
        yield False, "TWILIO_AUTH_TOKEN is the sandbox's. Set your account's own."


def _address() -> Iterator[Finding]:
    given = settings()
    if not given.is_practice:
        yield look_at(given.public_url, given.patience)


def _files() -> Iterator[Finding]:
    given = settings()
    for name in ("field_keys", "secret_key"):
        path = given.data_dir / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield False, f"{path} can be read by others. Run: chmod 600 {path}"
    free = os.statvfs(given.data_dir)
    gigabytes = free.f_bavail * free.f_frsize / 1e9
    yield (
        gigabytes > 0.5,
        f"{gigabytes:.1f} GB free in {given.data_dir}" + ("" if gigabytes > 0.5 else ". Free some room."),
    )


def _database() -> Iterator[Finding]:
    parts = _parts()
    check(parts.engine)
    with parts.open_db() as db:
        db.execute(text("SELECT 1"))
        members = db.scalar(select(func.count(Member.id)).where(Member.reached_for_id.is_(None)))
    yield True, f"{parts.engine.dialect.name}, of this version, {members} members"


def _field_keys() -> Iterator[Finding]:
    with _parts().read_db() as db:
        locked = [member for member in db.scalars(select(Member).limit(50)) if member.name == LOCKED]
    yield (
        not locked,
        "members' data can be read"
        if not locked
        else ("members' data cannot be read with these keys. Put the right FIELD_KEYS back."),
    )


def _ledgers() -> Iterator[Finding]:
    with _parts().read_db() as db:
        for chain in chains.verify(db, heads.kept(_parts().settings.data_dir)):
            yield chain.first_bad is None, chain.words


def _queue() -> Iterator[Finding]:
    given = settings()
    url = urlsplit(redis_url(given))
    if url.scheme == "unix":
        is_there = socket_path(given.data_dir).exists()
        yield True, "embedded Valkey" + ("" if is_there else " (not running now)")
        return
    try:
        with socket.create_connection((url.hostname or "", url.port or 6379), timeout=2):
            yield True, f"{url.hostname} answers"
    except OSError:
        yield False, f"Cannot reach Redis at {url.hostname}:{url.port or 6379}. Is it running? Messages go without it."


def _staff() -> Iterator[Finding]:
    with _parts().read_db() as db:
        practice = db.scalars(select(Practice)).one()
        people = db.scalar(select(func.count(Staff.id))) or 0
    yield (
        people > 0,
        f"{people} on the staff"
        if people
        else ("nobody can sign in. Open the pages once, or run `groupkeeper staff add`."),
    )
    day = datetime.now(UTC).date()
    is_current = LINES[practice.country].are_current(day)
    yield (
        is_current,
        "crisis lines are checked"
        if is_current
        else (f"the crisis lines of {practice.country} were checked more than 180 days ago. Upgrade Groupkeeper."),
    )


def _zones() -> Iterator[Finding]:
    with _parts().read_db() as db:
        names = {*db.scalars(select(Practice.time_zone)), *db.scalars(select(Group.time_zone))}
        members = db.scalars(select(Member.time_zone).where(Member.time_zone.is_not(None))).all()
    unknown = sorted(name for name in {*names, *members} if known_zone(name) is None)
    words = f"{', '.join(unknown)} known no more; the next best clock counts. Choose others: Settings, Data quality."
    yield not unknown, words if unknown else "every time zone is known"


def _second_factors() -> Iterator[Finding]:
    with _parts().read_db() as db:
        lacking, must = second_factor.lacking(db)
    words = f"{lacking} of {must} administrators and facilitators have no second step at sign-in"
    if settings().is_practice or not lacking:
        yield True, words
    else:
        yield False, f"{words}. A password alone lets others set one up: have them sign in, or close their accounts."


def _processes() -> Iterator[Finding]:
    with _parts().read_db() as db:
        silent = heartbeat.silent(db, datetime.now(UTC))
    yield not silent, "none is silent" if not silent else f"{', '.join(silent)} silent. Start Groupkeeper again."


def _questions() -> Iterator[Finding]:
    """In practice mode a newcomer has nobody on call yet, and nothing reaches anybody."""
    parts = _parts()
    with parts.read_db() as db:
        count = len(unwatched(db, parts.clock()))
    words = f"{count} whose reflection questions wait: nobody on call has answered a test page in the last 30 days."
    yield (
        not count or parts.settings.is_practice,
        f"groups: {words} Open On call and test a contact." if count else "who is asked for words has somebody to call",
    )


def _messages() -> Iterator[Finding]:
    parts = _parts()
    now = parts.clock()
    with parts.read_db() as db:
        overdue = db.scalar(
            select(func.count(Delivery.id)).where(
                Delivery.state == State.SCHEDULED, Delivery.next_at < now - parts.clock.lasting(120)
            )
        )
        paused = db.scalars(select(Sender).where(Sender.paused_until > now)).all()
    yield not overdue, "none is overdue" if not overdue else f"{overdue} overdue. Is the worker running?"
    for sender in paused:
        yield False, f"a provider refuses us: {sender.pause_reason}. Check the account."


def _copies() -> Iterator[Finding]:
    parts = _parts()
    with parts.read_db() as db:
        copies = blank.waiting(db, parts.clock())
    if copies.stuck:
        words = f"the words of {_texts(copies.stuck)} could not be blanked: {copies.trouble}. Check the account"
        yield False, f"{words}; it is asked again by itself."
    else:
        yield True, f"the words of {_texts(copies.many)} wait to be blanked" if copies.many else "no old words are left"


def _texts(number: int) -> str:
    return "1 text" if number == 1 else f"{number} texts"


CHECKS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("settings", _settings),
    ("public address", _address),
    ("files", _files),
    ("database", _database),
    ("field keys", _field_keys),
    ("ledgers", _ledgers),
    ("queue", _queue),
    ("staff", _staff),
    ("time zones", _zones),
    ("second factors", _second_factors),
    ("processes", _processes),
    ("questions", _questions),
    ("messages", _messages),
    ("text provider", _copies),
)
