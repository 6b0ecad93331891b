"""The queue's side: what runs when, and who does it. The database is the truth; Redis only carries the word."""

import os
from functools import cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
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
    return connect_to(redis_url(parts().settings))


def connect_to(url: str) -> Redis:
    """Without the client's own back-off: it waits four seconds for a Redis that is gone, and the clock sends by
    itself meanwhile."""
    return Redis.from_url(url, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1))


def queue() -> Queue:
    """In JSON. One queue a worker: with two, RQ loses a job whose worker is killed."""
    return Queue(QUEUE, connection=redis(), serializer="json", job_class=OnlySend, default_timeout=600)
