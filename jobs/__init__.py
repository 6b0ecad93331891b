"""The queue's side: what runs when, and who does it. The database is the truth; Redis only carries the word."""

import os
from functools import cache

from redis import Redis
from rq import Queue

from jobs.job import OnlySend
from service.embedded import redis_url
from service.wiring import Parts, build, read_settings

QUEUE = "deliveries"


@cache
def parts() -> Parts:
    """The parts of this process."""
    return build(read_settings(os.environ), stays=True)


@cache
def redis() -> Redis:
    return Redis.from_url(redis_url(parts().settings), socket_connect_timeout=2)


def queue() -> Queue:
    """Ids only, in JSON. One queue a worker: with two, RQ loses a job whose worker is killed."""
    return Queue(QUEUE, connection=redis(), serializer="json", job_class=OnlySend, default_timeout=600)
