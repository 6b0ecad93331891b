"""The generator: groups with members and sessions, by the service's own flows; opt-outs, cancellations and moves.

The only part of the harness that knows the service. What it does it notes down, with the instants between which each
commit happened; the checker believes nothing else.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sandbox.config import ACCOUNT, NUMBER, TOKEN
from sandbox.twilio.signature import sign
from service.flows import enrol, ledger, schedule
from service.flows.plan import plan
from service.flows.settle_in import Office, found
from service.models import GroupSession, Rule
from service.rules.consent import Choice, Purpose
from service.rules.kinds import Kind
from service.rules.recurrence import Frequency, Recurrence
from service.settings import Settings
from service.upgrade import upgrade
from service.wiring import Parts, build
from tests.chaos.evidence import Notebook

CANARY = "Quillon"
"""In every name, address, label and group of a run: where it must not be, it is looked for."""
AREAS = ("212", "415", "312", "617", "206", "303", "404", "512", "702", "503", "612", "313", "215", "713", "602")
SIZE = 10
"""Members of a group."""
LEAD = timedelta(hours=3)
"""Of the same-day reminder, before the start of the session."""
SHORTLY = timedelta(minutes=10)
"""A reminder is of no use from so long before the start."""
MAIL_SHARE, PROMPT_SHARE, CHANGE_SHARE = 0.1, 0.2, 0.05
AROUND = 3.0
"""Seconds before or after the due time at which something changes."""
TRIES_FOR = 60.0


@dataclass(frozen=True)
class Member:
    id: str
    to: str
    channel: str


@dataclass(frozen=True)
class Gathering:
    """A group, its one session, and what its members are to be sent about it."""

    session: str
    kind: str
    due: float
    starts_at: float
    members: tuple[Member, ...]


Change = tuple[float, Callable[[], None]]
"""When, and what."""


@dataclass
class Story:
    """Writes to the database as staff and members do. Its methods may be called from several threads."""

    parts: Parts
    notebook: Notebook
    web_urls: list[str]
    zone: ZoneInfo
    seed: int

    @classmethod
    def begin(cls, environ: Mapping[str, str], notebook: Notebook, web_urls: list[str], seed: int) -> "Story":
        """A practice in a zone where it is about ten in the morning, so that no night comes into a run."""
        parts = build(Settings.from_env(environ), stays=False)
        upgrade(parts.engine, Path(environ["DATA_DIR"]))
        zone = _zone_of_the_morning(parts.clock())
        office = Office(f"{CANARY} Practice", f"{CANARY} Off.", "212-555-0199", "US", zone.key)
        with parts.open_db() as db:
            found(db, office, parts.clock())
        return cls(parts, notebook, web_urls, zone, seed)

    def gather(self, number: int, due: float) -> list[Change]:
        """Add a group whose members are to be sent something at `due`. Returns what is to change about it.

        Of one number and one seed everything but the instants is the same in every run.
        """
        rng = random.Random(f"{self.seed} {number}")
        kind = Kind.REFLECTION if rng.random() < PROMPT_SHARE else Kind.SAME_DAY
        people = [self._person(number * SIZE + position, rng) for position in range(SIZE)]
        name = f"{CANARY} group {number}"
        _, gathering = self._committed(lambda db, now: self._add(db, now, name, kind, due, people))
        self.notebook.write(
            "gathering",
            session=gathering.session,
            kind=gathering.kind,
            due=gathering.due,
            starts_at=gathering.starts_at,
            deadline=gathering.starts_at - SHORTLY.total_seconds() if kind is Kind.SAME_DAY else due + 7200,
            members=[[member.id, member.to, member.channel] for member in gathering.members],
        )
        return self._changes_of(gathering, rng)

    def opt_out(self, member: Member, session: str) -> None:
        """The member texts STOP. Not by way of the sandbox: it would refuse what we must not send, and hide it."""
        began = time.time()
        fields = {"MessageSid": f"SM{uuid4().hex}", "AccountSid": ACCOUNT, "From": member.to, "To": NUMBER}
        fields |= {"Body": "STOP", "NumMedia": "0"}
        path = "/webhooks/twilio/inbound"
        signature = sign(TOKEN, self.web_urls[0] + path, list(fields.items()))
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        for attempt in _tries():
            url = self.web_urls[attempt % len(self.web_urls)] + path
            try:
                with urlopen(Request(url, urlencode(fields).encode(), headers), timeout=5):
                    self.notebook.write(
                        "optout", member=member.id, session=session, **{"from": began, "at": time.time()}
                    )
                    return
            except HTTPError as error:
                error.close()
            except (URLError, OSError):
                pass
        self.notebook.write("gave_up", about="optout", session=session)

    def cancel(self, gathering: Gathering) -> None:
        began, _ = self._committed(
            lambda db, now: schedule.cancel_session(db, db.get_one(GroupSession, UUID(gathering.session)), now)
        )
        self.notebook.write("cancel", session=gathering.session, **{"from": began, "at": time.time()})

    def move(self, gathering: Gathering, new_start: Callable[[datetime], datetime]) -> None:
        """To another start: tomorrow, a few minutes earlier, or so near that the reminder is soon of no more use."""
        start = new_start(self.parts.clock())
        began, _ = self._committed(
            lambda db, now: schedule.move_session(db, db.get_one(GroupSession, UUID(gathering.session)), start, now)
        )
        self.notebook.write(
            "move",
            session=gathering.session,
            starts_at=start.timestamp(),
            due=(start - LEAD).timestamp(),
            deadline=(start - SHORTLY).timestamp(),
            **{"from": began, "at": time.time()},
        )

    def _changes_of(self, gathering: Gathering, rng: random.Random) -> list[Change]:
        def about() -> float:
            return gathering.due + rng.uniform(-AROUND, AROUND)

        changes: list[Change] = []
        for member in gathering.members:
            if member.channel == "sms" and rng.random() < CHANGE_SHARE:
                changes.append((about(), lambda who=member: self.opt_out(who, gathering.session)))
        chance = rng.random()
        if gathering.kind == Kind.SAME_DAY and chance < CHANGE_SHARE:
            changes.append((about(), lambda: self.cancel(gathering)))
        elif gathering.kind == Kind.SAME_DAY and chance < 2 * CHANGE_SHARE:
            where = rng.choice(self._moves(gathering, rng))
            changes.append((about(), lambda: self.move(gathering, where)))
        return changes

    @staticmethod
    def _moves(gathering: Gathering, rng: random.Random) -> list[Callable[[datetime], datetime]]:
        start = datetime.fromtimestamp(gathering.starts_at, UTC)
        useful_for = timedelta(seconds=rng.uniform(1, 6))
        earlier = timedelta(minutes=rng.randint(1, 30))
        return [
            lambda _: start + timedelta(days=1),
            lambda _: start - earlier,
            lambda now: now + SHORTLY + useful_for,
        ]

    def _committed(self, change: Callable[[Session, datetime], object]) -> tuple[float, object]:
        """Do it in a transaction, as often as it takes: the database may be away. Returns when that began."""
        began = time.time()
        for _ in _tries():
            try:
                with self.parts.open_db() as db:
                    result = change(db, self.parts.clock())
            except SQLAlchemyError:
                continue
            return began, result
        raise TimeoutError("the database did not come back")

    def _person(self, number: int, rng: random.Random) -> enrol.Person:
        is_mail = rng.random() < MAIL_SHARE
        return enrol.Person(
            name=f"{CANARY} Member {number}",
            mobile="" if is_mail else mobile(number),
            email=f"member{number}@{CANARY.lower()}.example.org" if is_mail else "",
            choice=Choice.EMAIL if is_mail else Choice.SMS,
            language="en",
            time_zone=self.zone.key,
        )

    def _add(
        self, db: Session, now: datetime, name: str, kind: Kind, due: float, people: list[enrol.Person]
    ) -> Gathering:
        at = datetime.fromtimestamp(due, UTC)
        starts_at = at + LEAD if kind is Kind.SAME_DAY else at - timedelta(minutes=120)
        local = starts_at.astimezone(self.zone)
        once = schedule.Meeting(Recurrence(local.date(), Frequency.WEEKLY, count=1), local.time(), minutes=90)
        about = schedule.About(name=name, outside_name=f"{CANARY} meeting", time_zone=self.zone.key, place="Room 2")
        group = schedule.add_group(db, about, once, now)
        for rule in db.scalars(select(Rule).where(Rule.group_id == group.id)):
            rule.is_on = rule.kind is kind
            if rule.is_on and kind is Kind.REFLECTION:
                rule.minutes = 30
        session = db.scalars(select(GroupSession).where(GroupSession.group_id == group.id)).one()
        members = tuple(self._enrol(db, now, group, person) for person in people)
        db.flush()
        plan(db, now, [group])
        return Gathering(session.id.hex, kind.value, due, session.starts_at.timestamp(), members)

    def _enrol(self, db: Session, now: datetime, group: schedule.Group, person: enrol.Person) -> Member:
        row = enrol.add_member(db, person, now)
        evidence = ledger.Evidence(now, "paper", "staff", "You may text me.")
        for channel in row.channels:
            ledger.agree(db, row, channel, (Purpose.REMINDER, Purpose.REFLECTION), evidence, now)
        enrol.take_place(db, group, row, now.astimezone(self.zone).date(), now)
        return Member(row.id.hex, person.mobile or person.email, "sms" if person.mobile else "email")


def mobile(number: int) -> str:
    """A number for each member, and no two the same."""
    return f"+1{AREAS[number // 10_000]}555{number % 10_000:04d}"


def _tries() -> Iterator[int]:
    ends, attempt = time.monotonic() + TRIES_FOR, 0
    while time.monotonic() < ends:
        yield attempt
        attempt += 1
        time.sleep(0.2)


def _zone_of_the_morning(now: datetime) -> ZoneInfo:
    hours = (10 - now.hour + 12) % 24 - 12
    return ZoneInfo(f"Etc/GMT{-hours:+d}")
