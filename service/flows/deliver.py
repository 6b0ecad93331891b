"""Due deliveries go out, or the reason not to send them is kept.

    the mark     locked, every fact read again, words final, SENDING: committed before the call
    the call     side by side, no transaction open
    the record   what the provider said

A crash in between leaves SENDING behind: a question for `reconcile`, never a second message.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from logging import getLogger
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.channels import (
    AddressRefused,
    Ambiguous,
    Channel,
    ChannelDown,
    ChannelError,
    Message,
    NotAccepted,
    Receipt,
    Refused,
)
from service.clock import Clock
from service.flows.marking import Marking
from service.flows.pace import pause, resume
from service.flows.suppress import suppress
from service.models import Delivery
from service.rules.consent import Channel as ChannelName
from service.rules.lifecycle import State
from service.rules.retries import LEASE, SOFT_LEASE, pause_after

log = getLogger(__name__)

CALLS_AT_ONCE = 50
"""As many as are marked together, so that a crash leaves no more questions than this."""
DOWN_FOR = 300.0
"""Seconds that a channel rests after its provider refused our account."""

OpenDb = Callable[[], AbstractContextManager[Session]]
Outcome = Receipt | ChannelError


@dataclass(frozen=True)
class Sending:
    """A marked delivery: what goes out, and the fence of the mark."""

    delivery_id: UUID
    fence: int
    channel: ChannelName
    message: Message


@dataclass(frozen=True)
class Post:
    """What delivering needs of the process it runs in."""

    open_db: OpenDb
    channels: Mapping[ChannelName, Channel]
    clock: Clock
    calls: Executor
    public_url: str
    sender_rate: float


def lease_due(db: Session, clock: Clock, limit: int) -> list[UUID]:
    """The ids of up to `limit` deliveries whose time has come, soonest deadline first, not to be handed out again for
    a minute. Of two that ask at once, each gets others."""
    now = clock()
    ids = list(
        db.scalars(Delivery.due(now).with_only_columns(Delivery.id).limit(limit).with_for_update(skip_locked=True))
    )
    if ids:
        until = now + clock.lasting(SOFT_LEASE)
        db.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids), Delivery.state == State.SCHEDULED)
            .values(queued_until=until)
            .execution_options(synchronize_session=False)
        )
    return ids


def deliver(post: Post, ids: Iterable[UUID]) -> Counter[State]:
    """Send what is still due among these. Safe to repeat: what is not SCHEDULED is left alone.

    Blocks for at most 20 seconds for each fifty.
    """
    outcomes: Counter[State] = Counter()
    remaining = iter(ids)
    while group := list(islice(remaining, CALLS_AT_ONCE)):
        with post.open_db() as db:
            marked = mark(db, group, post)
        answered = [(sending, answer) for sending, answer in _call(post, marked)]
        with post.open_db() as db:
            outcomes += record(db, answered, post)
    return outcomes


def mark(db: Session, ids: Sequence[UUID], post: Post) -> list[Sending]:
    """Lock, read the facts again, and move each delivery to SENDING, or to the reason not to send it.

    Two workers never mark the same delivery. The members are locked before the deliveries, as an opt-out does it.
    """
    now = post.clock()
    marking = Marking(db, ids, now, post.sender_rate, {name: row.sender for name, row in post.channels.items()})
    ready = []
    for delivery, message in marking.sendable(post.public_url):
        delivery.fence += 1
        delivery.attempts += 1
        delivery.looks = 0
        delivery.marked_at = now
        delivery.lease_until = now + post.clock.lasting(LEASE)
        delivery.queued_until = None
        delivery.move(db, State.SENDING, now, by="worker")
        ready.append(Sending(delivery.id, delivery.fence, delivery.channel, message))
    return ready


def record(db: Session, answered: Sequence[tuple[Sending, Outcome]], post: Post) -> Counter[State]:
    """Write down what the provider said of each. One that was settled or marked again meanwhile keeps its state.

    Members and sending numbers are locked last, each in one order, so that no two workers wait for each other.
    """
    now = post.clock()
    ids = [sending.delivery_id for sending, _ in answered]
    rows = db.scalars(select(Delivery).where(Delivery.id.in_(ids)).order_by(Delivery.id).with_for_update())
    deliveries = {delivery.id: delivery for delivery in rows}
    outcomes: Counter[State] = Counter()
    for sending, outcome in answered:
        delivery = deliveries[sending.delivery_id]
        if isinstance(outcome, Receipt) and delivery.provider_id is None:
            delivery.provider_id, delivery.accepted_at = outcome.provider_id or None, now
        if delivery.fence == sending.fence and delivery.state in (State.SENDING, State.UNKNOWN):
            _record_one(db, delivery, outcome, post, now)
        outcomes[delivery.state] += 1
    _suppress_refused(db, [(deliveries[sending.delivery_id], outcome) for sending, outcome in answered], now)
    _rest_or_resume(db, answered, post, now)
    return outcomes


def _call(post: Post, marked: Sequence[Sending]) -> Iterable[tuple[Sending, Outcome]]:
    waiting = [(sending, post.calls.submit(_hand_over, post, sending)) for sending in marked]
    return [(sending, future.result()) for sending, future in waiting]


def _hand_over(post: Post, sending: Sending) -> Outcome:
    try:
        return post.channels[sending.channel].send(sending.message)
    except ChannelError as failure:
        return failure
    except Exception as error:  # a bug of ours: it may have been sent, and the others of its batch were
        log.exception("delivery %s: the channel broke", sending.delivery_id)
        return Ambiguous(f"broken: {type(error).__name__}")


def _record_one(db: Session, delivery: Delivery, outcome: Outcome, post: Post, now: datetime) -> None:
    reason = None if isinstance(outcome, Receipt) else str(outcome)
    match outcome:
        case Receipt():
            delivery.move(db, State.ACCEPTED, now, by="worker")
        case NotAccepted():
            _try_later(db, delivery, outcome, post, now)
        case ChannelDown():
            delivery.move(db, State.SCHEDULED, now, reason, by="worker")
            delivery.next_at = now + post.clock.lasting(DOWN_FOR)
        case AddressRefused():
            delivery.move(db, State.SUPPRESSED, now, reason, by="worker")
        case Refused():
            delivery.move(db, State.DEAD, now, reason, by="worker")
        case _:  # anything else is a question, never a second message
            delivery.move(db, State.UNKNOWN, now, reason, by="worker")
    if outcome_code := _code(reason):
        delivery.error_code = outcome_code


def _try_later(db: Session, delivery: Delivery, failure: NotAccepted, post: Post, now: datetime) -> None:
    pause_for = pause_after(delivery.attempts, failure.retry_after, spread=delivery.id.int % 1000 / 1000)
    delivery.move(db, State.SCHEDULED, now, str(failure), by="worker")
    delivery.next_at = now + post.clock.lasting(pause_for.total_seconds())


def _suppress_refused(db: Session, answered: Iterable[tuple[Delivery, Outcome]], now: datetime) -> None:
    refused = {
        (row.address_index, row.channel): str(outcome)
        for row, outcome in answered
        if isinstance(outcome, AddressRefused) and row.address_index is not None
    }
    for (address_index, channel), reason in sorted(refused.items()):
        suppress(db, channel, address_index, f"provider: {reason}", now)


def _rest_or_resume(db: Session, answered: Sequence[tuple[Sending, Outcome]], post: Post, now: datetime) -> None:
    """A channel whose provider refuses our account rests; one that takes messages over again rests no more."""
    for channel in sorted({sending.channel for sending, _ in answered}):
        said = [outcome for sending, outcome in answered if sending.channel is channel]
        down = next((outcome for outcome in said if isinstance(outcome, ChannelDown)), None)
        if down is not None:
            log.error("channel %s is down: %s", channel, down)
            pause(db, post.channels[channel].sender, now + post.clock.lasting(DOWN_FOR), str(down), now)
        elif any(isinstance(outcome, Receipt) for outcome in said):
            resume(db, post.channels[channel].sender, now)


def _code(reason: str | None) -> str | None:
    last = (reason or "").rpartition(" ")[2]
    return last if last.isdecimal() else None


__all__ = ["Outcome", "Post", "Sending", "deliver", "lease_due", "mark", "record"]
