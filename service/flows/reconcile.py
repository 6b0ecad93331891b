"""What was left open is closed: what may have gone is looked up, what is too late is put away."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from logging import getLogger
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels import ChannelError
from service.channels.side_by_side import each
from service.clock import Clock
from service.flows.fall_back import fall_back
from service.flows.pace import lock_sender
from service.flows.post import Post
from service.journal import Line, left_behind
from service.models import Delivery
from service.models.sealed import LOCKED
from service.rules.consent import Channel, Refusal
from service.rules.kinds import NATURES, WhenUnknown
from service.rules.lifecycle import State

log = getLogger(__name__)

AT_ONCE = 100
POISONED_AFTER = 3
"""A message whose worker was lost so often may be what kills it: it is not tried again."""
NOT_KNOWN = "the provider could not say whether it went"
POISONED = "its worker was lost three times"


def sweep(db: Session, clock: Clock) -> int:
    """Put away what can no longer be sent in time, and turn marks whose worker is gone into questions."""
    now = clock()
    stale = db.scalars(
        select(Delivery)
        .where(Delivery.state == State.SCHEDULED, Delivery.expires_at <= now)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in stale:
        delivery.move(db, State.EXPIRED, now, Refusal.TOO_LATE, by="sweeper")
        delivery.settled_at = now
    orphaned = db.scalars(
        select(Delivery)
        .where(Delivery.state == State.SENDING, Delivery.lease_until <= now)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in orphaned:
        delivery.kills += 1
        delivery.move(db, State.UNKNOWN, now, "the worker was lost", by="sweeper")
    return len(stale) + len(orphaned)


def recall(post: Post) -> int:
    """Record what workers that are gone had heard from the provider, and could not write down. Returns how many."""
    recalled = 0
    for path, lines in left_behind(post.data_dir):
        for batch in (lines[at : at + AT_ONCE] for at in range(0, len(lines), AT_ONCE)):
            with post.open_db() as db:
                recalled += sum(_recalled(db, line, post.clock()) for line in batch)
        path.unlink(missing_ok=True)
    return recalled


def reconcile(post: Post) -> int:
    """Ask the provider about each message that may have gone, when the time to ask has come. Returns how many closed.

    No transaction is open while the provider is asked.
    """
    with post.open_db() as db:
        questions = _to_ask(db, post)
    answers = each(lambda delivery: _look_up(post, delivery), questions)
    return sum(_closed(post, delivery, found) for delivery, found in zip(questions, answers, strict=True))


def _recalled(db: Session, line: Line, now: datetime) -> bool:
    delivery = db.get(Delivery, UUID(line.delivery_id), with_for_update=True)
    if delivery is None or delivery.fence != line.fence or delivery.state not in (State.SENDING, State.UNKNOWN):
        return False
    delivery.provider_id, delivery.accepted_at = line.provider_id or None, delivery.marked_at
    return delivery.move(db, State.ACCEPTED, now, "found in the journal", by="reconciler")


def _closed(post: Post, delivery: Delivery, found: Sequence[str] | None) -> bool:
    try:
        with post.open_db() as db:
            return _close(db, delivery, found, post)
    except Exception:  # one question that cannot be closed must not keep the others open
        log.exception("delivery %s could not be reconciled", delivery.id)
        return False


def _to_ask(db: Session, post: Post) -> Sequence[Delivery]:
    now = post.clock()
    query = select(Delivery).where(Delivery.state == State.UNKNOWN).order_by(Delivery.expires_at)
    questions = list(islice((row for row in db.scalars(query) if _next_look(row, post) <= now), AT_ONCE))
    for delivery in questions:
        _ = delivery.address, delivery.body
    db.expunge_all()
    return questions


def _next_look(delivery: Delivery, post: Post) -> datetime:
    marked_at = delivery.marked_at or delivery.due_at
    if delivery.channel is Channel.EMAIL:
        return marked_at + post.clock.lasting(post.patience.events_awaited)
    looks = post.patience.looks_after
    return marked_at + post.clock.lasting(looks[min(delivery.looks, len(looks) - 1)])


def _look_up(post: Post, delivery: Delivery) -> Sequence[str] | None:
    """The provider's names of it; None where the provider could not be asked."""
    channel = post.channels[delivery.channel]
    if not channel.can_look_up or LOCKED in (delivery.address, delivery.body):
        return None
    try:
        # a practice clock is not the provider's: the words and what other deliveries hold must then do alone
        since = None if post.clock.is_practice else delivery.marked_at or delivery.due_at
        return channel.look_up(delivery.address, delivery.body, since)
    except ChannelError as failure:
        log.warning("delivery %s could not be looked up: %s", delivery.id, failure)
        return None
    except Exception:  # a bug of ours proves nothing about the message
        log.exception("delivery %s could not be looked up", delivery.id)
        return None


def _close(db: Session, asked: Delivery, found: Sequence[str] | None, post: Post) -> bool:
    now = post.clock()
    delivery = db.scalars(select(Delivery).where(Delivery.id == asked.id).with_for_update()).one()
    if delivery.state is not State.UNKNOWN or delivery.fence != asked.fence:
        return False
    if found is None:
        return _close_without_proof(db, delivery, post)
    lock_sender(db, post.channels[delivery.channel].sender, now)  # of two that look, both would take the same name
    ours = _not_of_others(db, delivery, found)
    if ours:
        delivery.provider_id, delivery.accepted_at = ours[0], delivery.marked_at
        return delivery.move(db, State.ACCEPTED, now, "found at the provider", by="reconciler")
    delivery.looks += 1
    if delivery.looks < len(post.patience.looks_after) or now < (delivery.lease_until or now):
        return False
    if delivery.kills >= POISONED_AFTER:
        delivery.settled_at = now
        return delivery.move(db, State.DEAD, now, POISONED, by="reconciler")
    delivery.next_at, delivery.queued_until = now, None  # where it is too late by now, the sweep puts it away
    return delivery.move(db, State.SCHEDULED, now, "proven not to have gone", by="reconciler")


def _not_of_others(db: Session, delivery: Delivery, found: Sequence[str]) -> list[str]:
    """Two texts can have the same words: a name that another delivery holds is not this one's."""
    others = select(Delivery.provider_id).where(
        Delivery.address_index == delivery.address_index, Delivery.provider_id.in_(found), Delivery.id != delivery.id
    )
    taken = set(db.scalars(others))
    return [name for name in found if name not in taken]


def _close_without_proof(db: Session, delivery: Delivery, post: Post) -> bool:
    """Nobody can say. By the policy of the kind it is left alone, or sent once more."""
    now, patience = post.clock(), post.patience
    marked_at = delivery.marked_at or now
    enough = patience.gives_up_asking if delivery.channel is Channel.SMS else patience.events_awaited
    if now < min(marked_at + post.clock.lasting(enough), delivery.expires_at - timedelta(minutes=1)):
        return False
    again_at = marked_at + post.clock.lasting(patience.again_after)
    again = NATURES[delivery.kind].when_unknown is WhenUnknown.AGAIN and delivery.attempts == 1
    if again and now < again_at < delivery.expires_at:
        return False
    if again and again_at <= now < delivery.expires_at:
        fall_back(db, delivery, now)
        delivery.next_at, delivery.queued_until = now, None
        return delivery.move(db, State.SCHEDULED, now, "not known: sent once more", by="reconciler")
    delivery.settled_at = now
    fall_back(db, delivery, now)  # a second copy on another channel is better than none at all
    return delivery.move(db, State.ASSUMED, now, NOT_KNOWN, by="reconciler")
