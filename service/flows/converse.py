"""What a conversation stands at: what was asked last, what was said lately, what was answered already."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.models import Delivery, GroupSession, Member, Reply
from service.rules.kinds import REMINDERS, Kind
from service.rules.lifecycle import REPORTED, State
from service.rules.understanding import Prompt

PROMPT_OPEN = timedelta(hours=48)
"""So long after a prompt an answer is taken for one to it."""
JOINED = timedelta(minutes=15)
LAST_TEXTS = 3
"""Texts in quick succession are read as one: a sentence may be cut in two."""

ASKING = (*REMINDERS, Kind.MOVED, Kind.CHECKIN, Kind.REFLECTION)
WENT_OUT = (*REPORTED, State.SENDING, State.UNKNOWN, State.ASSUMED)
PROMPTS = {Kind.CHECKIN: Prompt.CHECKIN, Kind.REFLECTION: Prompt.REFLECTION}


def open_questions(db: Session, members: Collection[Member], now: datetime) -> dict[Prompt, Delivery]:
    """What was asked last of each sort and is still open: about a session that is to come, or a prompt of these days.

    Nothing where two who share the phone were both asked: nobody can tell whose answer it is.
    """
    query = (
        select(Delivery)
        .outerjoin(GroupSession, GroupSession.id == Delivery.group_session_id)
        .where(
            Delivery.member_id.in_([member.id for member in members]),
            Delivery.kind.in_(ASKING),
            Delivery.state.in_(WENT_OUT),
            or_(
                Delivery.kind.in_((*REMINDERS, Kind.MOVED)) & (GroupSession.starts_at > now),
                Delivery.kind.in_(tuple(PROMPTS)) & (Delivery.marked_at > now - PROMPT_OPEN),
            ),
        )
        .order_by(Delivery.marked_at)
    )
    asked = db.scalars(query).all()
    if len({delivery.member_id for delivery in asked}) > 1:
        return {}
    return {PROMPTS.get(delivery.kind, Prompt.REMINDER): delivery for delivery in asked}


def recent_words(db: Session, new: Reply, text: str, now: datetime) -> str:
    """This text with the last ones from the same number, as one."""
    query = (
        Reply.newest()
        .where(Reply.address_index == new.address_index, Reply.received_at > now - JOINED, Reply.id != new.id)
        .limit(LAST_TEXTS - 1)
    )
    earlier = [reply.text for reply in reversed(db.scalars(query).all())]
    return " ".join([*earlier, text])


def was_said(db: Session, reply: Reply, key_begins: str, since: datetime) -> bool:
    """Whether a text whose key begins so was sent to this number since then."""
    query = select(Reply.id).where(
        Reply.address_index == reply.address_index,
        Reply.id != reply.id,
        Reply.received_at > since,
        Reply.answered_with.startswith(key_begins, autoescape=True),
    )
    return db.scalars(query).first() is not None
