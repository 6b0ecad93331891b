"""The product as it runs: two workers, the clock, an embedded Valkey, and N members due at one instant."""

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from redis import Redis

from bench import installation, machine
from bench.databases import Database, Databases, Kind
from bench.provider import Provider
from bench.runs import Run, outcome
from service import embedded
from service.clock import join
from service.rules.consent import Choice
from service.settings import NAMES, SECRETS, Settings

WORKERS = 2
LONGEST, QUIET = 1800.0, 30.0
"""Seconds in all, and without any acceptance, after which what has not come is lost."""


@dataclass(frozen=True)
class Case:
    """What is run: how many, by which channel, on which database."""

    count: int
    choice: Choice = Choice.SMS
    kind: Kind = Kind.SQLITE

    @property
    def lead(self) -> float:
        """Seconds from the start of the processes to the due instant: they load, and the clock looks at every group."""
        return 10.0 + self.count / 800 + 1.5 * machine.load()

    @property
    def what(self) -> str:
        return f"groupkeeper {self.choice} {self.kind}"


def run_product(case: Case, provider: Provider, databases: Databases, folder: Path) -> Run:
    """Start every process, wait for the due instant and the last acceptance, stop them."""
    filled = installation.filled(case.count, case.choice)
    ids = installation.due_ids(filled)
    folder.mkdir(parents=True)
    database = databases.copy(filled, case.kind, folder)
    environ = environ_of(database, provider, folder, case.lead)
    settings = Settings.from_env(environ)
    provider.reset()
    with ExitStack() as stack:
        server = stack.enter_context(embedded.valkey(settings))
        due = _due_at(settings)
        services = [sys.executable, "-m", "service"]
        log = folder / "processes.log"
        workers = stack.enter_context(machine.running([*services, "worker"], environ, log, WORKERS))
        clocks = stack.enter_context(machine.running([*services, "clock"], environ, log))
        assert server is not None, "the folder is a new one"
        pids = {
            "cpu": [process.pid for process in (*workers, *clocks)],
            "cpu_redis": [server.pid],
            "cpu_database": database.pids,
            "cpu_provider": [provider.pid],
        }
        redis = Redis.from_url(f"unix://{embedded.socket_path(folder)}")
        workers_pids = [worker.pid for worker in workers]
        return Run(what=case.what, **_measured(pids, workers_pids, ids, due, provider, database, redis))


def _measured(  # noqa: PLR0913, PLR0917  everything that is measured
    pids: Mapping[str, Any],
    workers: list[int],
    ids: set[str],
    due: float,
    provider: Provider,
    database: Database,
    redis: "Redis",
) -> dict[str, Any]:
    time.sleep(max(0.0, due - 3.2 - time.time()))
    busy = machine.cpu(*pids["cpu"])
    before = database.commits()
    time.sleep(max(0.0, due - 0.2 - time.time()))
    busy = machine.cpu(*pids["cpu"]) - busy
    asked, load = commands(redis), machine.load()
    meter = machine.Meter(pids)
    provider.wait_for(len(ids), LONGEST, QUIET)
    early = sum(at < due for _, at in provider.accepted())
    machine.wait_until_idle(pids["cpu"], most=3, calm=0.5)
    return {
        **meter.spent(),
        **outcome(provider, ids, due),
        "redis_commands": commands(redis) - asked,
        "commits": database.commits() - before,
        "rss_mb": machine.rss_mb(*workers),
        "load": load,
        "more": {"busy_before": round(busy, 2), "early": early, "peak_mb": max(map(machine.peak_mb, workers))},
    }


def commands(redis: "Redis") -> int:
    return int(redis.info("stats")["total_commands_processed"])


def environ_of(database: Database, provider: Provider, folder: Path, lead: float) -> dict[str, str]:
    present = datetime.fromtimestamp(installation.DUE.timestamp() - lead, installation.DUE.tzinfo)
    return {
        **dict.fromkeys((*NAMES, *(f"{name}_FILE" for name in SECRETS)), ""),  # whatever the operator's .env says
        **provider.environ,
        "DATA_DIR": str(folder),
        "DATABASE_URL": database.url,
        "FIELD_KEYS": installation.FIELD_KEYS,
        "SECRET_KEY": "a secret key of the benchmarks, and of nobody else",
        "GROUPKEEPER_CLOCK": present.isoformat(),
        "PUBLIC_URL": "https://groups.example.org",
        "SENDER_RATE": "0",
        "PYTHONPATH": str(Path(__file__).with_name("counting")),
        "BENCH_COMMITS": str(database.counting),
    }


def _due_at(settings: Settings) -> float:
    """The due instant by the machine's clock. From here on the practice clock runs: this process keeps it going."""
    clock = join(settings.clock, settings.data_dir)
    assert clock.anchor is not None
    assert clock.starts_at is not None
    return clock.anchor.timestamp() + (installation.DUE - clock.starts_at).total_seconds()
