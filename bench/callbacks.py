"""Signed status callbacks, from the first until all are settled in the database."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, bindparam, create_engine, select, text, update

from bench import callers, installation, machine
from bench.databases import Kind
from bench.figures import Bench, Figure, Goal, figure
from bench.product_runs import environ_of
from service import embedded
from service.database import connect
from service.models import Delivery
from service.rules.consent import Choice
from service.rules.lifecycle import State
from service.settings import Settings
from tests import postgres

ROUNDS = 3
COUNT, CONNECTIONS = 4_000, 100
"""Twilio takes a hundred calls of an account at a time, and what becomes of them comes back as thick."""
LONGEST = 120.0
PUBLIC_URL, TOKEN = "https://groups.example.org", "12345"
STATUSES = ("sent", "delivered")
RATE = Goal(
    "G12", "signed callbacks settled a second, against Flask, gunicorn sync and one UPDATE each", 3, 10, more=True
)
CPU = Goal("G12", "processor time a callback, theirs / ours", 2, 4, more=True)


@dataclass(frozen=True)
class Intake:
    """Seconds until all was settled, and of the server's processes."""

    count: int
    seconds: float
    cpu: float
    answers: Mapping[str, int]

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds."""
        return 1000 * self.cpu / self.count


def callbacks(bench: Bench) -> Iterator[Figure]:
    rounds, count = bench.rounds or ROUNDS, bench.count or COUNT
    for kind in reversed(Kind):
        ours, theirs = [], []
        for number in range(rounds):
            ours.append(_ours(bench, kind, count, bench.folder / f"callbacks-{kind}-{number}"))
            theirs.append(_theirs(bench, kind, count, bench.folder / f"baseline-{kind}-{number}"))
        rate, base = median(one.rate for one in ours), median(one.rate for one in theirs)
        spent, base_spent = median(one.cpu_each for one in ours), median(one.cpu_each for one in theirs)
        answers = {"answers": dict(ours[-1].answers), "their_answers": dict(theirs[-1].answers)}
        yield figure(RATE, rate / base, rounds, kind, rate=round(rate), their_rate=round(base), **answers)
        yield figure(CPU, base_spent / spent, rounds, kind, ms=round(spent, 2), their_ms=round(base_spent, 2))


def _ours(bench: Bench, kind: Kind, count: int, folder: Path) -> Intake:
    """Web, worker and clock run, as in service: whoever does the work is counted."""
    filled = installation.filled(count, Choice.SMS)
    folder.mkdir()
    database = bench.databases.copy(filled, kind, folder)
    port = callers.free_port()
    environ = environ_of(database, bench.provider, folder, lead=-60) | {"PORT": str(port), "WEB_CONCURRENCY": "1"}
    engine = connect(database.url)
    ids = _accepted(engine)
    with ExitStack() as stack:
        server = stack.enter_context(embedded.valkey(Settings.from_env(environ)))
        assert server is not None, "the folder is a new one"
        pids = [server.pid]
        for name in ("web", "worker", "clock"):
            command = [sys.executable, "-m", "service", name]
            pids += [one.pid for one in stack.enter_context(machine.running(command, environ, folder / "log"))]
        callers.wait_for(port)
        machine.wait_until_idle(pids, most=30)
        return _measured(port, ids, [*pids, *database.pids], lambda: _count(engine, _SETTLED))


_SETTLED = text("SELECT count(*) FROM deliveries WHERE state = 'delivered'")


def _accepted(engine: Engine) -> list[str]:
    """Every delivery is with the provider by now, under the name that the callbacks say. Returns the ids."""
    now = installation.DUE
    sent = update(Delivery).values(state=State.ACCEPTED, attempts=1, fence=1, marked_at=now, accepted_at=now)
    named = update(Delivery).where(Delivery.id == bindparam("of")).values(provider_id=bindparam("name"))
    with engine.begin() as db:
        db.execute(sent)
        ids = list(db.scalars(select(Delivery.id).order_by(Delivery.id)))
        db.execute(named, [{"of": one, "name": callers.name_of(str(one))} for one in ids])
    return [str(one) for one in ids]


def _theirs(bench: Bench, kind: Kind, count: int, folder: Path) -> Intake:
    folder.mkdir()
    url, server = _baseline_database(bench, kind, folder)
    engine = create_engine(url)
    table = text("CREATE TABLE messages (id varchar(36) PRIMARY KEY, status varchar(12), rank integer)")
    ids = [f"00000000-0000-7000-8000-{number:012d}" for number in range(count)]
    with engine.begin() as db:
        if kind is Kind.SQLITE:
            db.exec_driver_sql("PRAGMA journal_mode=WAL")
        db.execute(table)
        row = text("INSERT INTO messages VALUES (:id, 'queued', 0)")
        db.execute(row, [{"id": one} for one in ids])
    port = callers.free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "bench.baselines.callbacks_app:create_app()", "--workers", "2"),
        *("--bind", f"127.0.0.1:{port}", "--log-level", "warning", "--no-control-socket"),
    ]
    environ = {"BASELINE_DB": url, "TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": PUBLIC_URL}
    with machine.running(command, environ, folder / "log") as made:
        callers.wait_for(port)
        machine.wait_until_idle([made[0].pid], most=30)
        query = text("SELECT count(*) FROM messages WHERE status = 'delivered'")
        taken_in = _measured(port, ids, [made[0].pid, *server], lambda: _count(engine, query))
    engine.dispose()  # PostgreSQL drops no database that somebody still looks at
    return taken_in


def _baseline_database(bench: Bench, kind: Kind, folder: Path) -> tuple[str, tuple[int, ...]]:
    if kind is Kind.SQLITE:
        return f"sqlite:///{folder / 'baseline.db'}", ()
    url = postgres.create_empty_database(bench.databases.server(), "bench_baseline")
    return url, (bench.databases.guard(),)


def _measured(port: int, ids: list[str], pids: list[int], settled: Callable[[], int]) -> Intake:
    """Every message is reported sent, then delivered, by as many callers as Twilio has."""
    requests = [callers.signed(PUBLIC_URL, TOKEN, one, status) for status in STATUSES for one in ids]
    callers.call(port, requests[:CONNECTIONS], CONNECTIONS)
    meter, began = machine.Meter({"cpu": pids}), time.monotonic()
    answers = callers.call(port, requests, CONNECTIONS)
    while settled() < len(ids):
        if time.monotonic() - began > LONGEST:
            raise RuntimeError(f"only {settled()} of {len(ids)} were settled; answers: {answers}")
        time.sleep(0.05)
    return Intake(len(requests), time.monotonic() - began, meter.spent()["cpu"], answers)


def _count(engine: Engine, query: object) -> int:
    with engine.execution_options(read_only=True).connect() as db:
        return int(db.execute(query).scalar_one())  # type: ignore[call-overload]
