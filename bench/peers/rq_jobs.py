"""RQ as its guide shows it: one job a message, scheduled by `enqueue_at`."""

import argparse
import os
from datetime import UTC, datetime

from redis import Redis
from rq import Queue, Retry

from bench.peers import messages, sending

RETRIES = 5


def queue() -> Queue:
    return Queue("messages", connection=Redis.from_url(os.environ["REDIS_URL"]))


def send(message_id: str) -> None:
    sending.send(message_id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--when-due", action="store_true", help="queue each message when it is due")
    parser.add_argument("--follow", action="store_true", help="go on for ever")
    parser.add_argument("--no-retry", action="store_true")
    asked = parser.parse_args()
    retry = None if asked.no_retry else Retry(max=RETRIES)
    to = queue()

    def enqueue(message: messages.Message) -> None:
        if asked.when_due:
            to.enqueue(send, message.id, retry=retry)
        else:
            to.enqueue_at(datetime.fromtimestamp(message.due_at, UTC), send, message.id, retry=retry)

    messages.feed(enqueue, when_due=asked.when_due, follow=asked.follow)


if __name__ == "__main__":
    # a job is found again by its module's name, which must not be __main__
    from bench.peers.rq_jobs import main as run

    run()
