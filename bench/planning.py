"""The dates of many groups, and the rows of many deliveries: against dateutil, and against SQLAlchemy's Core."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from statistics import median
from typing import TypeVar
from zoneinfo import ZoneInfo

from dateutil.rrule import WEEKLY, rrule
from sqlalchemy import Engine, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bench import installation
from bench.databases import Kind
from bench.figures import Bench, Figure, Goal, figure
from service.database import connect
from service.flows import plan as planning_flow
from service.flows.consider import Planned, consider, gather
from service.models import Delivery, Group, Practice
from service.rules.consent import Choice
from service.rules.lifecycle import State
from service.rules.recurrence import Recurrence, starts_at

ROUNDS = 5
GROUPS, WEEKS, ROWS = 10_000, 8, 10_000
ZONES = tuple(map(ZoneInfo, ("America/New_York", "America/Los_Angeles", "Europe/London", "Australia/Sydney")))
FIRST = date(2027, 2, 22)
"""Clocks change in all four zones within the eight weeks."""
LAST = FIRST + timedelta(weeks=WEEKS, days=-1)
EXPANSION = Goal("G11", "10,000 weekly groups x 8 weeks, against dateutil", 2.5, 5, more=True)
INSERT = Goal("G11", "deliveries planned into the table, against SQLAlchemy Core rows", 3, 5, more=True)

T = TypeVar("T")
Meeting = tuple[date, wall_time, ZoneInfo]


def planning(bench: Bench) -> Iterator[Figure]:
    rounds = bench.rounds or ROUNDS
    yield _expansion(rounds)
    for kind in Kind:
        yield _insert(bench, kind, rounds)


def _expansion(rounds: int) -> Figure:
    meetings = [
        (FIRST + timedelta(days=number % 7), wall_time(number % 24, 30), ZONES[number % len(ZONES)])
        for number in range(GROUPS)
    ]
    ours, theirs = [], []
    for _ in range(rounds):
        found, took = _timed(lambda: [_by_us(meeting) for meeting in meetings])
        ours.append(took)
        expected, took = _timed(lambda: [_by_dateutil(meeting) for meeting in meetings])
        theirs.append(took)
        if found != expected:
            raise AssertionError("dateutil finds other instants")
    each = 1e6 / (GROUPS * WEEKS)
    return figure(
        EXPANSION,
        median(theirs) / median(ours),
        rounds,
        ours_us=round(median(ours) * each, 2),
        dateutil_us=round(median(theirs) * each, 2),
    )


def _by_us(meeting: Meeting) -> list[datetime]:
    first, at, zone = meeting
    return [starts_at(day, at, zone) for day in Recurrence(first).dates(FIRST, LAST)]


def _by_dateutil(meeting: Meeting) -> list[datetime]:
    first, at, zone = meeting
    begins, ends = datetime.combine(FIRST, wall_time.min), datetime.combine(LAST, wall_time.max)
    rule = rrule(WEEKLY, dtstart=datetime.combine(first, at), until=ends)
    return [moment.replace(tzinfo=zone).astimezone(UTC) for moment in rule.between(begins, ends, inc=True)]


def _insert(bench: Bench, kind: Kind, rounds: int) -> Figure:
    folder = bench.folder / f"planning-{kind}"
    folder.mkdir()
    engine = connect(bench.databases.copy(installation.filled(ROWS, Choice.SMS), kind, folder).url)
    wanted = _wanted(engine)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_rolled_back(engine, lambda db: planning_flow._insert(db, wanted)))
        theirs.append(_rolled_back(engine, lambda db: _by_core(db, wanted)))
    engine.dispose()
    each = 1e6 / len(wanted)
    return figure(
        INSERT,
        median(theirs) / median(ours),
        rounds,
        kind,
        ours_us=round(median(ours) * each, 1),
        core_us=round(median(theirs) * each, 1),
    )


def _wanted(engine: Engine) -> list[Planned]:
    """What planning finds for the filled installation, once its deliveries are taken out."""
    with Session(engine, expire_on_commit=False) as db, db.begin():
        db.execute(delete(Delivery))
        practice = db.query(Practice).one()
        groups = db.scalars(Group.open()).all()
        facts = [gather(db, group, practice, installation.NOW) for group in groups]
        return [one for fact in facts for one in consider(fact) if one.refusal is None]


def _rolled_back(engine: Engine, do: Callable[[Session], object]) -> float:
    """Processor seconds of ours; the server's are its own."""
    with Session(engine, expire_on_commit=False) as db:
        _, took = _timed(lambda: do(db))
        db.rollback()
    return took


def _by_core(db: Session, wanted: list[Planned]) -> None:
    rows = [
        {
            "id": one.id,
            "kind": one.rule.kind,
            "channel": one.channel,
            "member_id": one.member.id,
            "rule_id": one.rule.id,
            "group_session_id": one.group_session.id,
            "start_revision": one.group_session.start_revision,
            "due_at": one.due_at,
            "next_at": one.next_at,
            "expires_at": one.expires_at,
            "why": one.why,
            "state": State.SCHEDULED,
            "fence": 0,
            "attempts": 0,
            "looks": 0,
            "kills": 0,
        }
        for one in wanted
    ]
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(Delivery.metadata.tables[Delivery.__tablename__]).on_conflict_do_nothing(), rows)


def _timed(do: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    done = do()
    return done, time.process_time() - began
