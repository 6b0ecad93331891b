"""Finding what is due among ten thousand and among ten million rows, and planning a group again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from typing import cast

from sqlalchemy import text, update

from bench import installation
from bench.databases import Kind
from bench.figures import Bench, Figure, Goal, figure
from bench.product_runs import environ_of
from service.clock import Clock
from service.flows.plan import plan
from service.flows.post import Post
from service.flows.taking import next_due, take_due
from service.models import Delivery, Group
from service.rules.consent import Choice
from service.settings import Settings
from service.wiring import Parts, build
from tests.stopped_clock import StoppedClock

ROOMY = "PRAGMA cache_size = -4000000"
"""Kilobytes for filling a table alone: ids come in no order, and with the usual 2 MB ten million take hours."""
SIZES, LARGEST = (10_000, 100_000, 1_000_000), 10_000_000
MEMBERS, BATCH, TICKS = 500, 500, 9
DUE_EACH = 5
"""Deliveries a member that are due at once: five claims of a batch."""

CLAIM = Goal("G9", "claim of 500 in the largest table / in the smallest", 2.5, 1)
IDLE = Goal("G9", "a look when nothing is due, in the largest table", 1, 1, unit="ms")
PLAN = Goal("G9", "planning a group again in the largest table / in the smallest", 2.5, 1)

FILL = {
    Kind.SQLITE: """
        INSERT INTO deliveries (id, kind, channel, member_id, start_revision, due_at, next_at, expires_at, why, state,
                                fence, attempts, looks, marked_at, accepted_at, settled_at, provider_id)
        WITH RECURSIVE days(day) AS (SELECT 1 UNION ALL SELECT day + 1 FROM days WHERE day < :each),
        people AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM members),
        moments AS (SELECT people.id AS member, day, place,
            strftime('%Y-%m-%dT%H:%M:%f000+00:00', :first, (day * :step + place) || ' minutes') AS at FROM people, days)
        SELECT printf('%s%08x%08x%015x', :mark, day, place, 0), 'reminder', 'sms', member, 0, at, at,
               strftime('%Y-%m-%dT%H:%M:%f000+00:00', at, '+1 day'), '', :state, 1, 1, 0, :moved, :moved, :moved, :sid
        FROM moments""",
    Kind.POSTGRESQL: """
        INSERT INTO deliveries (id, kind, channel, member_id, start_revision, due_at, next_at, expires_at, why, state,
                                fence, attempts, looks, marked_at, accepted_at, settled_at, provider_id)
        SELECT (:mark || lpad(to_hex(day), 8, '0') || lpad(to_hex(place), 8, '0') || repeat('0', 15))::uuid,
               'reminder', 'sms', member, 0, at, at, at + interval '1 day', '', :state, 1, 1, 0,
               CAST(:moved AS timestamptz), CAST(:moved AS timestamptz), CAST(:moved AS timestamptz), :sid
        FROM (SELECT people.id AS member, day, place,
                     CAST(:first AS timestamptz) + (day * :step + place) * interval '1 minute' AS at
              FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM members) people,
                   generate_series(1, :each) AS day) moments""",
}


def claim(bench: Bench) -> Iterator[Figure]:
    sizes = (*SIZES, LARGEST) if bench.is_full else SIZES
    for kind in Kind:
        tables = {size: _filled(bench, kind, size) for size in sizes}
        claims, idles, plans = (_by_size(tables, tick) for tick in (_claim, _look, _plan))
        yield figure(CLAIM, _growth(claims), TICKS, kind, **_ms(claims))
        yield figure(IDLE, median(idles[max(sizes)]), TICKS, kind, **_ms(idles))
        yield figure(PLAN, _growth(plans), TICKS, kind, **_ms(plans))
        for parts in tables.values():
            parts.engine.dispose()


def _by_size(tables: dict[int, Parts], tick: Callable[[Parts, Post], float]) -> dict[int, list[float]]:
    """Several ticks in each table, in order, taken in turn: a machine that is busy for a while is so for all."""
    took: dict[int, list[float]] = {size: [] for size in tables}
    posts = {size: parts.post() for size, parts in tables.items()}
    for _ in range(TICKS + 1):
        for size, parts in tables.items():
            took[size].append(tick(parts, posts[size]))
    return {size: sorted(times[1:]) for size, times in took.items()}  # the first one compiles its statements


def _filled(bench: Bench, kind: Kind, size: int) -> Parts:
    """`size` rows: nearly all of them long delivered, one in a hundred still to come, and a few due."""
    folder = bench.folder / f"claim-{kind}-{size}"
    folder.mkdir()
    database = bench.databases.copy(installation.filled(MEMBERS, Choice.SMS), kind, folder)
    parts = build(Settings.from_env(environ_of(database, bench.provider, folder, lead=0)), stays=False)
    each = size // MEMBERS
    later = max(1, each // 100)
    past = {"state": "delivered", "moved": _text(installation.NOW), "sid": "SM" + "0" * 32, "mark": "0"}
    open_ones = {"state": "scheduled", "moved": None, "sid": None}
    with parts.engine.begin() as db:
        if kind is Kind.SQLITE:
            db.exec_driver_sql(ROOMY)
        for values in (
            {**past, "each": each - later - DUE_EACH - 1, "first": _text(installation.NOW, -1000), "step": 1},
            {**open_ones, "mark": "1", "each": later, "first": _text(installation.DUE, 2), "step": 7},
            {**open_ones, "mark": "2", "each": DUE_EACH, "first": _text(installation.DUE, -0.5), "step": 1},
        ):
            db.execute(text(FILL[kind]), values)
    if kind is Kind.POSTGRESQL:
        with parts.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as db:
            db.exec_driver_sql("VACUUM ANALYZE deliveries")
    parts.engine.dispose()  # what is measured has a connection as the service has it; SQLite's log is written back now
    return parts


def _text(moment: datetime, days: float = 0) -> str:
    return (moment + timedelta(days=days)).isoformat(sep=" ")[:19] + "+00:00"


def _claim(parts: Parts, post: Post) -> float:
    """Milliseconds for a batch, its commits included."""
    post = replace(post, clock=cast(Clock, StoppedClock(installation.DUE)))
    found = 0
    began = time.perf_counter()
    while found < BATCH:
        with parts.open_db() as db:
            taken = len(take_due(db, post))
        if not taken:
            raise AssertionError(f"only {found} of {BATCH} were found due")
        found += taken
    took = 1000 * (time.perf_counter() - began)
    with parts.open_db() as db:
        db.execute(update(Delivery).where(Delivery.queued_until.is_not(None)).values(queued_until=None))
    return took * BATCH / found


def _look(parts: Parts, post: Post) -> float:
    """What the clock asks every second, when nothing is due."""
    post = replace(post, clock=cast(Clock, StoppedClock(installation.NOW - timedelta(days=300))))
    began = time.perf_counter()
    with parts.look_db() as db:
        found = next_due(db, post, timedelta(seconds=1))
    if found:
        raise AssertionError("something was due")
    return 1000 * (time.perf_counter() - began)


def _plan(parts: Parts, post: Post) -> float:
    """A group of fifty whose deliveries stand already."""
    began = time.perf_counter()
    with parts.open_db() as db:
        group = db.scalars(Group.open().order_by(Group.id).limit(1)).one()
        plan(db, installation.NOW, [group])
    return 1000 * (time.perf_counter() - began)


def _growth(took: dict[int, list[float]]) -> float:
    return median(took[max(took)]) / median(took[min(took)])


def _ms(took: dict[int, list[float]]) -> dict[str, object]:
    """The middle and the best: on a busy machine the best is nearer to the truth."""
    return {
        "ms": {f"{size:,}": round(median(times), 2) for size, times in took.items()},
        "best_ms": {f"{size:,}": round(times[0], 2) for size, times in took.items()},
    }
