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


def last_asked(db: Session, members: Collection[Member], now: datetime) -> Delivery | None:
    """The question that was sent last and is still open: of a session that is to come, or a prompt of these days.

    None where two who share the phone were both asked: nobody can tell whose answer it is.
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
        .order_by(Delivery.marked_at.desc())
    )
    open_questions = db.scalars(query).all()
    if len({delivery.member_id for delivery in open_questions}) > 1:
        return None
    return open_questions[0] if open_questions else None


def open_prompts(asked: Delivery | None) -> set[Prompt]:
    """What the last question was about, as the understanding of its answer needs it."""
    return set() if asked is None else {PROMPTS.get(asked.kind, Prompt.REMINDER)}


def recent_words(db: Session, address_index: bytes, text: str, now: datetime) -> str:
    """This text with the last ones from the same number, as one."""
    query = (
        Reply.newest()
        .where(Reply.address_index == address_index, Reply.received_at > now - JOINED)
        .limit(LAST_TEXTS - 1)
    )
    with db.no_autoflush:
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
