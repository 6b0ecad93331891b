"""One peer sends N messages that are due at one instant, on a Valkey of its own."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis import Redis

from bench import machine
from bench.peers import PEERS, PYTHON
from bench.peers import messages as table
from bench.provider import Provider
from bench.runs import Run, outcome
from service import embedded

LEAD, LEAD_BUSY = 6.0, 1.5
"""Seconds in which everything is put into the queue before it is due; and so many more for each point of the load."""
LONGEST = 180.0
BODY = "Oak St Office: you have an appointment on Thu Jan 7 at 6:30 pm. Reply C to confirm, X if you can't come."


class NoPeersError(Exception):
    """The peers' environment is missing. The text says how to make it."""


def run_peer(name: str, count: int, provider: Provider, folder: Path) -> Run:
    """Start it, let it come to rest, give it the messages, wait for the last acceptance."""
    if not PYTHON.exists():
        raise NoPeersError("The peers are not installed: make .venv-peers/run.stamp")
    peer = PEERS[name]
    folder.mkdir(parents=True)
    with _valkey(folder) as server:
        environ = _environ(folder, provider)
        table.create(table.connect(folder / "peers.db"))
        with machine.running([PYTHON, *peer.worker], environ, folder / "peer.log", peer.workers) as workers:
            pids = [worker.pid for worker in workers]
            time.sleep(2)
            machine.wait_until_idle(pids, most=30)
            provider.reset()
            due = time.time() + LEAD + LEAD_BUSY * machine.load()
            ids = _fill(folder, count, due)
            if peer.feeder:
                _feed(peer.feeder, environ, folder / "peer.log")
            if time.time() > due:
                raise RuntimeError(f"{name} was still being given its messages when they were due; try again")
            meter = {"cpu": pids, "cpu_redis": [server.pid], "cpu_provider": [provider.pid]}
            return Run(what=name, **_measured(meter, ids, due, provider, _redis(folder)))


def _measured(
    pids: dict[str, list[int]], ids: list[str], due: float, provider: Provider, redis: "Redis"
) -> dict[str, Any]:
    """From just before the due instant until the workers rest again."""
    time.sleep(max(0.0, due - 0.2 - time.time()))
    meter, asked, load = machine.Meter(pids), commands(redis), machine.load()
    provider.wait_for(len(ids), LONGEST, quiet=60)
    machine.wait_until_idle(pids["cpu"], most=4, calm=0.5)
    return {
        **meter.spent(),
        **outcome(provider, set(ids), due),
        "redis_commands": commands(redis) - asked,
        "rss_mb": machine.rss_mb(*pids["cpu"]),
        "load": load,
    }


def commands(redis: "Redis") -> int:
    """How many commands the server was given since it started."""
    return int(redis.info("stats")["total_commands_processed"])


def _fill(folder: Path, count: int, due: float) -> list[str]:
    ids = [str(uuid4()) for _ in range(count)]
    table.fill(table.connect(folder / "peers.db"), [_message(one, number, due) for number, one in enumerate(ids)])
    return ids


def _message(one: str, number: int, due: float) -> table.Message:
    return table.Message(
        id=one,
        to=f"+1212{2_000_000 + number:07d}",
        body=BODY,
        session="s1",
        due_at=due,
        expires_at=due + 86_400,
    )


def _feed(feeder: tuple[str, ...], environ: dict[str, str], log: Path) -> None:
    with machine.running([PYTHON, *feeder], environ, log) as made:
        if made[0].wait(60):
            raise RuntimeError(f"the feeder failed: {log.read_text()[-2000:]}")


def _environ(folder: Path, provider: Provider) -> dict[str, str]:
    return {
        **provider.environ,
        "PEERS_DB": str(folder / "peers.db"),
        "REDIS_URL": f"unix://{embedded.socket_path(folder)}",
        "PYTHONPATH": str(machine.ROOT),
    }


def _redis(folder: Path) -> "Redis":
    return Redis.from_url(f"unix://{embedded.socket_path(folder)}")


@contextmanager
def _valkey(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "valkey").mkdir()
    server = embedded.start(folder)
    try:
        yield server
    finally:
        embedded.stop(server)
