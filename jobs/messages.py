"""Due messages are handed out, soonest deadline first, and sent."""

from logging import getLogger
from uuid import UUID

from redis.exceptions import RedisError

from jobs import parts, queue
from jobs.post import post
from service.flows.deliver import deliver, lease_due

log = getLogger(__name__)

BATCH = 50
MOST_IN_QUEUE = 200
"""Ids. Without a bound the same ids would be pushed again and again while the workers are behind."""


def hand_out() -> int:
    """Queue what is due, as far as there is room. Returns how many. Without Redis, send it here and now."""
    handed_out = 0
    try:
        room = MOST_IN_QUEUE - BATCH * len(queue())
    except RedisError:
        return _send_without_queue()
    while room > 0 and (ids := _lease(min(BATCH, room))):
        try:
            queue().enqueue(send, [str(one) for one in ids], result_ttl=0, failure_ttl=60, description="d")
        except RedisError:
            send([str(one) for one in ids])
        handed_out += len(ids)
        room -= BATCH
    return handed_out


def send(delivery_ids: list[str]) -> None:
    """Send a batch. Run twice it still sends once: only what is scheduled is marked."""
    outcomes = deliver(post(), [UUID(one) for one in delivery_ids])
    log.info("batch of %d: %s", len(delivery_ids), dict(outcomes))


def _send_without_queue() -> int:
    ids = _lease(BATCH)
    if ids:
        log.warning("no queue: %d sent directly", len(ids))
        send([str(one) for one in ids])
    return len(ids)


def _lease(limit: int) -> list[UUID]:
    with parts().open_db() as db:
        return lease_due(db, parts().clock, limit)
