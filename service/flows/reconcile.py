"""What was left open is closed: what may have gone is looked up, what is too late is put away."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from logging import getLogger

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels import ChannelError
from service.clock import Clock
from service.flows.deliver import Post
from service.models import Delivery
from service.rules.consent import Channel, Refusal
from service.rules.kinds import NATURES, WhenUnknown
from service.rules.lifecycle import State
from service.rules.retries import LEASE, LOOKS_AFTER

log = getLogger(__name__)

AT_ONCE = 100
EVENTS_AWAITED = 600.0
"""Seconds in which a mail that went shows up in SendGrid's events."""
GIVEN_UP_AFTER = 600.0
"""Seconds for which a provider's list may not answer before the question is closed without proof."""
NOT_KNOWN = "the provider could not say whether it went"


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
        delivery.move(db, State.UNKNOWN, now, "the worker was lost", by="sweeper")
    return len(stale) + len(orphaned)


def reconcile(post: Post) -> int:
    """Ask the provider about each message that may have gone, when the time to ask has come. Returns how many closed.

    No transaction is open while the provider is asked.
    """
    with post.open_db() as db:
        questions = _to_ask(db, post.clock)
    closed = 0
    for delivery in questions:
        try:
            found = _look_up(post, delivery)
            with post.open_db() as db:
                closed += _close(db, delivery, found, post.clock)
        except Exception:  # one question that cannot be asked must not keep the others open
            log.exception("delivery %s could not be reconciled", delivery.id)
    return closed


def _to_ask(db: Session, clock: Clock) -> Sequence[Delivery]:
    now = clock()
    query = select(Delivery).where(Delivery.state == State.UNKNOWN).order_by(Delivery.expires_at).limit(AT_ONCE)
    questions = [delivery for delivery in db.scalars(query) if _next_look(delivery, clock) <= now]
    for delivery in questions:
        _ = delivery.address, delivery.body
    db.expunge_all()
    return questions


def _next_look(delivery: Delivery, clock: Clock) -> datetime:
    marked_at = delivery.marked_at or delivery.due_at
    if delivery.channel is Channel.EMAIL:
        return marked_at + clock.lasting(EVENTS_AWAITED)
    after = LOOKS_AFTER[min(delivery.looks, len(LOOKS_AFTER) - 1)]
    return marked_at + clock.lasting(after)


def _look_up(post: Post, delivery: Delivery) -> Sequence[str] | None:
    """The provider's names of it; None where the provider could not be asked."""
    channel = post.channels[delivery.channel]
    if not channel.can_look_up:
        return None
    try:
        # a practice clock is not the provider's: the words and what other deliveries hold must then do alone
        since = None if post.clock.is_practice else delivery.marked_at or delivery.due_at
        return channel.look_up(delivery.address, delivery.body, since)
    except ChannelError as failure:
        log.warning("delivery %s could not be looked up: %s", delivery.id, failure)
        return None


def _close(db: Session, asked: Delivery, found: Sequence[str] | None, clock: Clock) -> bool:
    now = clock()
    delivery = db.scalars(select(Delivery).where(Delivery.id == asked.id).with_for_update()).one()
    if delivery.state is not State.UNKNOWN or delivery.fence != asked.fence:
        return False
    if found is None:
        return _close_without_proof(db, delivery, clock)
    ours = _not_of_others(db, delivery, found)
    if ours:
        delivery.provider_id, delivery.accepted_at = ours[0], delivery.marked_at
        return delivery.move(db, State.ACCEPTED, now, "found at the provider", by="reconciler")
    delivery.looks += 1
    if delivery.looks < len(LOOKS_AFTER) or now < (delivery.lease_until or now):
        return False
    delivery.next_at, delivery.queued_until = now, None  # where it is too late by now, the sweep puts it away
    return delivery.move(db, State.SCHEDULED, now, "proven not to have gone", by="reconciler")


def _not_of_others(db: Session, delivery: Delivery, found: Sequence[str]) -> list[str]:
    """Two texts can have the same words: a name that another delivery holds is not this one's."""
    taken = set(
        db.scalars(select(Delivery.provider_id).where(Delivery.provider_id.in_(found), Delivery.id != delivery.id))
    )
    return [name for name in found if name not in taken]


def _close_without_proof(db: Session, delivery: Delivery, clock: Clock) -> bool:
    """Nobody can say. By the policy of the kind it is left alone, or sent once more."""
    now = clock()
    waited = now - (delivery.marked_at or now)
    patience = clock.lasting(GIVEN_UP_AFTER if delivery.channel is Channel.SMS else EVENTS_AWAITED)
    if waited < max(patience, clock.lasting(LEASE)) and now < delivery.expires_at - timedelta(minutes=1):
        return False
    again = NATURES[delivery.kind].when_unknown is WhenUnknown.AGAIN
    if again and delivery.attempts == 1 and now < delivery.expires_at:
        delivery.next_at, delivery.queued_until = now, None
        return delivery.move(db, State.SCHEDULED, now, "not known: sent once more", by="reconciler")
    delivery.settled_at = now
    return delivery.move(db, State.ASSUMED, now, NOT_KNOWN, by="reconciler")
