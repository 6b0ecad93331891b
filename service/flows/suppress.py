"""An address is not written to any more, from this transaction on, and only its owner can lift that."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.plan import plan_member
from service.flows.scope import across_groups
from service.models import Delivery, Member, Suppression
from service.rules.consent import Channel, Refusal
from service.rules.lifecycle import State


def suppress(db: Session, channel: Channel, address_index: bytes, reason: str, now: datetime) -> None:
    """Suppress the address and void what is scheduled for it. Safe to repeat."""
    members = lock_members(db, channel, address_index)
    if not is_suppressed(db, channel, address_index):
        db.add(Suppression(channel=channel, address_index=address_index, reason=reason[:80], since=now))
        db.flush()
    for member in members:
        void(db, member, channel, Refusal.OPTED_OUT, now)


def lift(db: Session, channel: Channel, address_index: bytes, now: datetime) -> bool:
    """The owner wants messages again. Returns whether anything stood in the way; plans what is due from now on."""
    members = lock_members(db, channel, address_index)
    rows = [row for row in db.scalars(Suppression.in_force(), {"indexes": [address_index]}) if row.channel is channel]
    for row in rows:
        row.lifted_at = now
    db.flush()
    for member in members:
        plan_member(db, member, now)
    return bool(rows)


def is_suppressed(db: Session, channel: Channel, address_index: bytes) -> bool:
    return any(row.channel is channel for row in db.scalars(Suppression.in_force(), {"indexes": [address_index]}))


@across_groups
def void(db: Session, member: Member, channel: Channel, refusal: Refusal, now: datetime, *, by: str = "member") -> int:
    """Take back everything that is scheduled for a member on a channel. Returns how many."""
    query = select(Delivery).where(
        Delivery.member_id == member.id, Delivery.channel == channel, Delivery.state == State.SCHEDULED
    )
    deliveries = db.scalars(query.with_for_update()).all()
    for delivery in deliveries:
        delivery.move(db, State.SUPPRESSED, now, refusal, by=by)
    return len(deliveries)


def lock(db: Session, members: Collection[Member]) -> None:
    """Until this transaction ends nothing is marked for these."""
    ids = [member.id for member in members]
    db.execute(select(Member.id).where(Member.id.in_(ids)).order_by(Member.id).with_for_update())


def lock_members(db: Session, channel: Channel, address_index: bytes) -> list[Member]:
    """Those with this number or address. Until this transaction ends nothing is marked for them."""
    column = Member.mobile_index if channel is Channel.SMS else Member.email_index
    return list(db.scalars(select(Member).where(column == address_index).order_by(Member.id).with_for_update()))
