"""Which deliveries a worker sends next: what is due, soonest deadline first, as fast as the senders go."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from service.failpoints import reach
from service.flows.pace import opens_at, rooms
from service.flows.post import Post
from service.models import Delivery
from service.models.bulk import among
from service.rules.lifecycle import State

TAKEN_AT_ONCE = 500
"""Ids that one worker takes for itself."""
# made once: asked every second, it costs more to build than to run
NEXT = (
    Delivery.due(bindparam("until"))
    .with_only_columns(Delivery.next_at)
    .order_by(None)
    .order_by(Delivery.next_at)
    .limit(1)
)
NEXT_OF = NEXT.where(Delivery.channel.in_(bindparam("channels", expanding=True)))
QUEUE = (
    update(Delivery)
    .where(among(Delivery.id, "ids"), Delivery.state == State.SCHEDULED)
    .values(queued_until=bindparam("until"))
    .execution_options(synchronize_session=False)
)
WORTH_WAITING = timedelta(seconds=2)


class Listed:
    """These and no others."""

    def __init__(self, ids: Sequence[UUID]) -> None:
        self._ids = deque(ids)

    def take(self, most: int) -> list[UUID]:
        return [self._ids.popleft() for _ in range(min(most, len(self._ids)))]

    def put_back(self, ids: Sequence[UUID]) -> None:
        """Whoever has them sends them."""

    def wait(self) -> bool:
        return bool(self._ids)


class Due:
    """Whatever is due, until nothing is or it `is_over`. What it has taken is nobody else's for a minute."""

    def __init__(self, post: Post, is_over: Callable[[], bool], call_others: Callable[[], object]) -> None:
        self._post, self._is_over, self._call_others = post, is_over, call_others
        self._ids: deque[UUID] = deque()
        self._put_back: set[UUID] = set()

    def take(self, most: int) -> list[UUID]:
        if self._is_over():
            self.give_back()
            return []
        if len(self._ids) < most:
            with self._post.open_db() as db:
                taken = take_due(db, self._post)
            self._ids.extend(taken)
            reach("leased")
            if len(taken) >= TAKEN_AT_ONCE:
                self._call_others()
        return [self._ids.popleft() for _ in range(min(most, len(self._ids)))]

    def put_back(self, ids: Sequence[UUID]) -> None:
        """Once more later, but no more than once: mostly it was another worker that looked at them, for a moment, as
        it took what comes after them."""
        self._ids.extend(one for one in ids if one not in self._put_back)
        self._put_back.update(ids)

    def wait(self) -> bool:
        """Wait a moment where something is due whose number only keeps its pace. Returns whether to look again."""
        if self._is_over():
            return False
        now = self._post.clock()
        with self._post.open_db() as db:
            opens = opens_at(db, self._post)
            is_waiting = db.scalar(select(exists(Delivery.due(now).order_by(None))))
        if opens is None or not is_waiting or opens - now > self._post.clock.lasting(WORTH_WAITING.total_seconds()):
            return False
        time.sleep((opens - now) / self._post.clock.lasting(1.0))
        return True

    def give_back(self) -> None:
        if self._ids:
            with self._post.open_db() as db:
                _queue_until(db, self._ids, None)
        self._ids.clear()


def take_due(db: Session, post: Post) -> list[UUID]:
    """Take deliveries whose time has come and whose sender is free. Of two that ask at once, each gets others."""
    now = post.clock()
    ids: list[UUID] = []
    for channel, room in rooms(db, post).items():
        query = Delivery.due(now).where(Delivery.channel == channel).limit(min(room, TAKEN_AT_ONCE))
        if room:
            ids += db.scalars(query.with_only_columns(Delivery.id).with_for_update(skip_locked=True))
    if ids:
        _queue_until(db, ids, now + post.clock.lasting(post.patience.soft_lease))
    return ids


def next_due(db: Session, post: Post, within: timedelta) -> datetime | None:
    """When the next message can go out, if that is within so long; in the past if one can now."""
    until = {"until": post.clock() + within}
    if db.scalars(NEXT, until).first() is None:  # mostly, and then it does not matter which senders are free
        return None
    open_ones = [channel for channel, room in rooms(db, post).items() if room]
    return db.scalars(NEXT_OF, {**until, "channels": open_ones}).first()


def _queue_until(db: Session, ids: Sequence[UUID] | deque[UUID], until: datetime | None) -> None:
    db.execute(QUEUE, {"ids": ids, "until": until})
