"""An installation that has nothing to do, and a worker that is started anew."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from redis import Redis

from bench import callers, installation, machine
from bench.databases import Kind
from bench.figures import Bench, Figure, Goal, figure
from bench.product_runs import environ_of
from service import embedded
from service.rules.consent import Choice
from service.settings import Settings

MEMBERS, STARTS = 1_000, 5
WATCHED_FOR = 60.0
NOTHING_DUE_FOR = 40 * 86_400.0
"""Seconds until the messages that the installation is filled with."""
IDLE = Goal("rest", "an idle installation, share of a core", 1, 0.5, unit="%")
READY = Goal("rest", "a worker, from its start until it takes work", 3, 2, unit="s")
LONGEST = 60.0


def at_rest(bench: Bench) -> Iterator[Figure]:
    starts = bench.rounds or STARTS
    for kind in reversed(Kind):
        idle, ready = _measured(bench, kind, starts, bench.folder / f"rest-{kind}")
        yield figure(
            IDLE, 100 * sum(idle.values()), 1, kind, **{one: round(100 * share, 2) for one, share in idle.items()}
        )
        yield figure(READY, median(ready), starts, kind, slowest=round(max(ready), 2))


def _measured(bench: Bench, kind: Kind, starts: int, folder: Path) -> tuple[Mapping[str, float], list[float]]:
    filled = installation.filled(MEMBERS, Choice.SMS)
    folder.mkdir()
    database = bench.databases.copy(filled, kind, folder)
    environ = environ_of(database, bench.provider, folder, NOTHING_DUE_FOR) | {"PORT": str(callers.free_port())}
    with ExitStack() as stack:
        server = stack.enter_context(embedded.valkey(Settings.from_env(environ)))
        assert server is not None, "the folder is a new one"
        pids = {"valkey": [server.pid], "database": list(database.pids)}
        for name in ("web", "worker", "clock"):
            command = [sys.executable, "-m", "service", name]
            pids[name] = [one.pid for one in stack.enter_context(machine.running(command, environ, folder / "log"))]
        machine.wait_until_idle([pid for some in pids.values() for pid in some], most=60, calm=5)
        idle = _share(pids)
        redis = Redis.from_url(f"unix://{embedded.socket_path(folder)}")
        return idle, [_start(environ, redis, folder) for _ in range(starts)]


def _share(pids: Mapping[str, list[int]]) -> Mapping[str, float]:
    meter, began = machine.Meter(pids), time.monotonic()
    time.sleep(WATCHED_FOR)
    spent = meter.spent()
    return {name: spent[name] / (time.monotonic() - began) for name in spent}


def _start(environ: Mapping[str, str], redis: Redis, folder: Path) -> float:
    """Seconds until one more worker has said in the queue that it is there."""
    before, began = redis.smembers("rq:workers"), time.monotonic()
    with machine.running([sys.executable, "-m", "service", "worker"], environ, folder / "log"):
        while redis.smembers("rq:workers") <= before:
            if time.monotonic() - began > LONGEST:
                raise RuntimeError("the worker never said that it is there")
            time.sleep(0.01)
        return time.monotonic() - began
