"""Somebody is told that messages are due, and sends them."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from logging import getLogger

from redis.exceptions import RedisError

from jobs import parts, queue
from jobs.post import post
from service.flows import heartbeat
from service.flows.deliver import deliver_due
from service.flows.skew import TOLD_FROM, TOO_FAR, skew
from service.flows.taking import next_due

log = getLogger(__name__)

ONE_JOB = 30.0
"""Seconds after which a worker ends its job; the clock has the next one ready. RQ takes a longer one for dead."""
ONE_CHORE = 5.0
A_MOMENT = 1.0
"""Seconds before it is due for which a message is waited for."""

stopping = threading.Event()
"""This process is to end: what is under way is finished, and nothing else begun."""
astray = threading.Event()
"""This machine's clock is too far from the database's: nothing is sent until it is right again."""


def hand_out() -> int:
    """Say in the queue that something is due, or will be in a moment, where nobody has yet. Returns how often.

    The word holds no ids: whoever hears it takes from the database what is due by then. A queue that is emptied, or a
    worker that dies with the word, thus costs no more than the time to say it again. Without Redis, or with nobody to
    hear the word, the clock sends by itself.
    """
    with parts().look_db() as db:
        due = next_due(db, post(), post().clock.lasting(A_MOMENT))
        if due is None:
            return 0
        is_anybody_there = heartbeat.is_heard(db, "worker", parts().machine_clock())
    _wait_until(due)
    try:
        if _say():
            return 1
    except RedisError:
        log.warning("no queue: sending directly")
        return _send(ONE_CHORE)
    return 0 if is_anybody_there else _send(ONE_CHORE)


def send() -> None:
    """Send what is due. Any number of these at once still send each message once."""
    _send(ONE_JOB, call_others=_call_others)


def check_clock() -> None:
    """Compare this machine's clock with the database's, and say so where they differ."""
    with parts().look_db() as db:
        off = skew(db, parts().machine_clock())
    if off > TOLD_FROM:
        log.error("this machine's clock is %.0f s off the database's", off.total_seconds())
    (astray.set if off > TOO_FAR else astray.clear)()


def _wait_until(due: datetime) -> None:
    now = post().clock()
    if due > now:
        stopping.wait((due - now) / post().clock.lasting(1.0))


def _say() -> bool:
    """Put the word into the queue. Returns False where it is there already."""
    if len(queue()):
        return False
    queue().enqueue(send, result_ttl=0, failure_ttl=60, description="d")
    return True


def _call_others() -> None:
    """There is more than one worker's share: the next one need not wait for the clock's next look."""
    with suppress(RedisError):
        _say()


def _send(seconds: float, call_others: Callable[[], object] = lambda: None) -> int:
    if astray.is_set():
        return 0
    ends = time.monotonic() + seconds
    outcomes = deliver_due(post(), lambda: stopping.is_set() or time.monotonic() > ends, call_others)
    if outcomes:
        log.info("sent: %s", {state.value: count for state, count in outcomes.items()})
    return outcomes.total()
