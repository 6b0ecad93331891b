"""Celery as Twilio's own sample uses it: one task a message, at its `eta`; here with `acks_late`."""

import argparse
import os
from datetime import UTC, datetime

from celery import Celery

from bench.peers import messages, sending

RETRIES = 6


def _broker() -> str:
    url = os.environ["REDIS_URL"]
    return url.replace("unix://", "redis+socket://", 1)


app = Celery("bench.peers.celery_jobs", broker=_broker())
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": int(os.environ.get("CELERY_VISIBILITY", "3600"))},
    worker_hijack_root_logger=False,
)


@app.task(name="send", autoretry_for=(Exception,), retry_backoff=True, max_retries=RETRIES)  # type: ignore[untyped-decorator]
def send(message_id: str) -> None:
    sending.send(message_id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--when-due", action="store_true", help="queue each message when it is due")
    parser.add_argument("--follow", action="store_true", help="go on for ever")
    asked = parser.parse_args()

    def enqueue(message: messages.Message) -> None:
        eta = None if asked.when_due else datetime.fromtimestamp(message.due_at, UTC)
        send.apply_async((message.id,), eta=eta)

    messages.feed(enqueue, when_due=asked.when_due, follow=asked.follow)


if __name__ == "__main__":
    main()
