"""What staff wait for, in the server: the log with ten thousand deliveries, the home page with two hundred groups."""

import gc
import time
from collections.abc import Iterator
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from bench import installation
from bench.databases import Database, Kind
from bench.figures import Bench, Figure, Goal, figure
from bench.product_runs import environ_of
from bench.runs import quantile
from service.app import create_app
from service.flows import sign_ins, staffing
from service.models import Delivery, Group
from service.models.practice import Role
from service.rules.consent import Choice
from service.rules.lifecycle import State
from service.settings import Settings
from service.wiring import Parts, build

DELIVERIES, WAITING = 10_000, 2_000
"""In groups of fifty: two hundred of them."""
VISITS = 30
FILTERED = Goal("pages", "log of 10,000 deliveries, one group and two dates, p95", 300, 300, unit="ms")
LOG = Goal("pages", "log of 10,000 deliveries, one filter, p95", 300, 300, unit="ms")
QUEUE = Goal("pages", "queue of 2,000, p95", 300, 300, unit="ms")
HOME = Goal("pages", "home with 200 groups, p95", 150, 150, unit="ms")
PAGES = (
    (LOG, "/log?show=delivered"),
    (LOG, "/log?show=delivered&page=100"),
    (QUEUE, "/queue"),
    (QUEUE, "/queue?page=20"),
    (HOME, "/"),
)


def pages(bench: Bench) -> Iterator[Figure]:
    for kind in Kind:
        folder = bench.folder / f"pages-{kind}"
        folder.mkdir()
        database = bench.databases.copy(installation.filled(DELIVERIES, Choice.SMS), kind, folder)
        parts = build(Settings.from_env(_environ(bench, database)), stays=True)
        _settle(parts)
        visitor = _signed_in(parts)
        gc.freeze()  # as the web process does
        narrow = (FILTERED, f"/log?group={_group(parts)}&since=2026-01-01&until=2028-12-31")
        for goal, path in (*PAGES, narrow):
            visits = [_visit(visitor, path) for _ in range(VISITS)]
            took, used = (sorted(times) for times in zip(*visits, strict=True))
            cpu = round(quantile(used, 0.95), 1)
            p50 = round(quantile(took, 0.5), 1)
            yield figure(
                goal, quantile(took, 0.95), VISITS, kind, path=path.partition("group=")[0], p50=p50, cpu_p95=cpu
            )
        parts.engine.dispose()


def _environ(bench: Bench, database: Database) -> dict[str, str]:
    folder = database.counting.parent
    return environ_of(database, bench.provider, folder, lead=-3600) | {"PUBLIC_URL": "http://127.0.0.1:8000"}


def _settle(parts: Parts) -> None:
    """All but the last two thousand were delivered; those are still to come."""
    with parts.open_db() as db:
        now = installation.DUE
        db.execute(
            update(Delivery).values(
                state=State.DELIVERED, attempts=1, fence=1, marked_at=now, accepted_at=now, settled_at=now
            )
        )
        waiting = "UPDATE deliveries SET state = 'scheduled' WHERE id IN (SELECT id FROM deliveries LIMIT :count)"
        db.execute(text(waiting), {"count": WAITING})


def _group(parts: Parts) -> UUID:
    with parts.read_db() as db:
        return db.scalars(select(Group.id)).first() or UUID(int=0)


def _signed_in(parts: Parts) -> FlaskClient:
    client = create_app(parts).test_client()
    with parts.open_db() as db:
        row = staffing.add_staff(db, "dana@oak.example.org", "Dana Whitlock", Role.ADMIN, parts.clock())
        client.set_cookie("staff", sign_ins.start(db, row.id, parts.machine_clock()))
    return client


def _visit(client: FlaskClient, path: str) -> tuple[float, float]:
    """Milliseconds on the wall, and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    answer = client.get(path)
    took = 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")
    return took
