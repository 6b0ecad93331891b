"""A message that did not arrive goes out on the member's other channel, where they agreed to it there."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.consider import delivery_id
from service.flows.standing import standing
from service.models import Delivery
from service.rules.consent import Channel
from service.rules.kinds import NATURES
from service.rules.lifecycle import GIVEN_UP, State

ENOUGH = timedelta(minutes=20)
"""Before the message is of no more use: less would reach nobody in time."""
OTHER = {Channel.SMS: Channel.EMAIL, Channel.EMAIL: Channel.SMS}
WHY = {Channel.SMS: "the email did not arrive", Channel.EMAIL: "the text did not arrive"}


def fall_back(db: Session, failed: Delivery, now: datetime) -> Delivery | None:
    """Plan the same message on the other channel. None where the member did not agree to it, has it coming there
    anyway, or it would be too late. Safe to repeat. Every fact is read again when it goes."""
    group_session, nature = failed.group_session, NATURES[failed.kind]
    if group_session is None or not nature.falls_back or failed.instead_of or failed.expires_at - now < ENOUGH:
        return None
    channel, member = OTHER[failed.channel], failed.member
    purpose, index = nature.purpose, member.address_index(channel)
    if purpose is None or standing(db, member).refusal(channel, purpose, index) or _is_coming(db, failed, channel):
        return None
    instead = Delivery(
        id=delivery_id(group_session.starts_at, "instead of", failed.id),
        kind=failed.kind,
        channel=channel,
        member_id=failed.member_id,
        rule_id=failed.rule_id,
        group_session_id=failed.group_session_id,
        start_revision=failed.start_revision,
        due_at=now,
        next_at=now,
        expires_at=failed.expires_at,
        why=WHY[channel],
        instead_of=failed.id,
        state=State.SCHEDULED,
    )
    db.add(instead)
    return instead


def _is_coming(db: Session, failed: Delivery, channel: Channel) -> bool:
    """Whether the same message is on its way on the other channel already, or went."""
    query = select(Delivery.id).where(
        Delivery.member_id == failed.member_id,
        Delivery.group_session_id == failed.group_session_id,
        Delivery.start_revision == failed.start_revision,
        Delivery.kind == failed.kind,
        Delivery.rule_id == failed.rule_id if failed.rule_id else Delivery.rule_id.is_(None),
        Delivery.channel == channel,
        (Delivery.instead_of == failed.id) | Delivery.state.not_in(GIVEN_UP),
    )
    return db.scalars(query).first() is not None
