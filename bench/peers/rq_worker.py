"""RQ's worker with everything loaded before it forks, or without forks at all."""

import argparse
import os

from rq import SimpleWorker, Worker
from sqlalchemy.orm import configure_mappers

from bench.peers import sending
from bench.peers.rq_jobs import queue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simple", action="store_true", help="SimpleWorker: no forks")
    asked = parser.parse_args()
    sending.client().messages  # noqa: B018  half of Twilio's modules are imported only now; nothing connects yet
    configure_mappers()
    messages = queue()
    worker = (SimpleWorker if asked.simple else Worker)(
        [messages],
        connection=messages.connection,
        maintenance_interval=int(os.environ.get("RQ_MAINTENANCE", "600")),
        worker_ttl=int(os.environ.get("RQ_WORKER_TTL", "420")),
    )
    worker.work(with_scheduler=True, logging_level="WARNING")


if __name__ == "__main__":
    main()
