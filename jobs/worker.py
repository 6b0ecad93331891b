"""The worker: loads everything once, then sends. Without Redis it waits; the clock then sends by itself."""

import gc
import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime
from types import FrameType

from redis.exceptions import RedisError
from rq import SimpleWorker

from jobs import messages, parts, queue, redis
from jobs.job import OnlySend
from jobs.post import post
from service.embedded import valkey
from service.flows import heartbeat
from service.flows.reconcile import recall
from service.logs import set_up_logging

log = logging.getLogger(__name__)

BEAT = 5.0


class Worker(SimpleWorker):
    """RQ's worker without forks: one process, whose connections to the providers stay open."""

    job_class = OnlySend
    log_job_description = False
    max_connection_wait_time = 4.0

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Asked to end: what is under way is finished, and nothing else begun."""
        messages.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def run() -> None:
    set_up_logging(parts().settings)
    with valkey(parts().settings):
        recall(post())  # the provider clients are loaded now, not when the first message is due
        gc.freeze()  # what is loaded by now stays: it need not be looked through for garbage again and again
        threading.Thread(target=_show_alive, daemon=True).start()
        _wait_for_redis()
        worker = Worker([queue()], connection=redis(), serializer="json", log_job_description=False, worker_ttl=30)
        worker.work(logging_level="WARNING")


def _wait_for_redis() -> None:
    told = False
    while True:
        try:
            redis().ping()
        except RedisError as error:
            if not told:
                log.warning("no Redis: waiting (%s)", type(error).__name__)
            told = True
            time.sleep(1)
        else:
            return


def _show_alive() -> None:
    while True:
        try:
            messages.check_clock()
            with parts().open_db() as db:
                heartbeat.beat(db, os.environ.get("GROUPKEEPER_PROCESS", "worker"), datetime.now(UTC))
        except Exception:
            log.exception("heartbeat failed")
        time.sleep(BEAT)


if __name__ == "__main__":
    run()
    sys.exit(0)
