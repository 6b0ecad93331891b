"""The usual ways to send a reminder, each startable on its own, from one small table of messages.

They read from the environment: PEERS_DB (a SQLite file), REDIS_URL, TWILIO_API_BASE, REQUESTS_CA_BUNDLE, and for
faults TWILIO_TIMEOUT (10), RQ_MAINTENANCE (600), RQ_WORKER_TTL (420), CELERY_VISIBILITY (3600). The working directory
is the root of the checkout, the Python that of `.venv-peers`.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True)
class Peer:
    """A design: what puts messages into its queue, and what sends them. Arguments of PYTHON."""

    what: str
    worker: tuple[str, ...]
    workers: int = 2
    feeder: tuple[str, ...] = ()
    """Without options it schedules everything in the table at its time, and ends. `--when-due` queues each message
    when it is due instead, `--follow` goes on for ever."""


_RQ = ("-m", "bench.peers.rq_jobs")
_RQ_WORKER = ("-m", "bench.peers.rq_worker")
_CELERY = ("-m", "bench.peers.celery_jobs")
_CELERY_WORKER = (
    "-m",
    "celery",
    "-A",
    "bench.peers.celery_jobs",
    "worker",
    "--loglevel",
    "WARNING",
    "--without-mingle",
)

PEERS = {
    "rq": Peer(
        "RQ, one job a message, enqueue_at, `rq worker` x2",
        ("-m", "rq.cli", "worker", "messages", "--with-scheduler", "--logging_level", "WARNING"),
        feeder=_RQ,
    ),
    "rq-preloaded": Peer("the same, imports before the fork", _RQ_WORKER, feeder=_RQ),
    "rq-simple": Peer("the same, SimpleWorker", (*_RQ_WORKER, "--simple"), feeder=_RQ),
    "rq-noretry": Peer("RQ preloaded, without retry", _RQ_WORKER, feeder=(*_RQ, "--no-retry")),
    "celery-prefork": Peer(
        "Celery, eta, acks_late, prefork 2", (*_CELERY_WORKER, "-P", "prefork", "-c", "2"), workers=1, feeder=_CELERY
    ),
    "celery-threads": Peer(
        "Celery, eta, acks_late, threads 64", (*_CELERY_WORKER, "-P", "threads", "-c", "64"), workers=1, feeder=_CELERY
    ),
    "cron": Peer("every second: select what is due, send, then mark", ("-m", "bench.peers.cron"), workers=1),
}
