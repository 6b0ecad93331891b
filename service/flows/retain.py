"""What has been kept for long enough is removed, a little at a time. Safe to repeat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from service.flows import blank
from service.flows.post import OpenDb
from service.flows.scope import whole
from service.models import CheckIn, Delivery, Flag, HandOver, Link, Member, Practice, ProviderCopy, Reply, SignIn
from service.rules.lifecycle import State
from service.rules.retention import Periods

NIGHT = 3
"""O'clock, in the practice."""
AT_ONCE = 200
"""Rows a transaction: messages that are due meanwhile wait for no more than that."""
SPENT = timedelta(days=30)
"""So long sign-ins and links that are over are kept, to say what became of them; and names of texts that are blank."""
OPEN = (State.SCHEDULED, State.SENDING, State.UNKNOWN)


@dataclass(frozen=True)
class Doomed:
    """How much is older than it may be."""

    replies: int
    answers: int
    bodies: int
    messages: int

    @property
    def any(self) -> bool:
        return any((self.replies, self.answers, self.bodies, self.messages))


def count(db: Session, periods: Periods, now: datetime) -> Doomed:
    """What tonight would remove. Counted across all groups, whoever asks."""
    with whole(db):
        found = {
            name: db.scalar(select(func.count()).select_from(query.subquery())) or 0
            for name, query in _too_old(periods, now).items()
        }
    return Doomed(**found)


def remove(open_db: OpenDb, now: datetime, machine_now: datetime) -> int:
    """All of it, in small transactions of its own. Returns how many rows were changed."""
    removed = 0
    for step in (_remove_answers, _remove_replies, _remove_bodies, _remove_messages):
        while done := _in_one(open_db, step, now):
            removed += done
    # links of members last by the practice's clock, those of staff by the machine's
    while done := _in_one(open_db, _remove_spent, min(now, machine_now)):
        removed += done
    with open_db() as db:
        practice = db.scalars(select(Practice)).one()
        practice.purged_on = now.astimezone(practice.zone).date()
    return removed


def is_due(practice: Practice, now: datetime) -> bool:
    """Once a day, in the small hours or as soon after them as the machine is awake."""
    local = now.astimezone(practice.zone)
    return local.hour >= NIGHT and practice.purged_on != local.date()


def _in_one(open_db: OpenDb, step: Callable[[Session, Periods, datetime], int], now: datetime) -> int:
    with open_db() as db:
        return step(db, db.scalars(select(Practice)).one().periods, now)


def _too_old(periods: Periods, now: datetime) -> Mapping[str, Select[Any]]:
    return {
        "replies": select(Reply.id).where(_is_old_reply(periods, now)),
        "answers": select(CheckIn.id).where(CheckIn.answered_at < periods.words_before(now)),
        "bodies": select(Delivery.id).where(_has_old_body(periods, now)),
        "messages": select(Delivery.id).where(_is_old_message(periods, now)),
    }


def _is_old_reply(periods: Periods, now: datetime) -> ColumnElement[bool]:
    """What nobody has looked at yet stays, and what an open flag is about."""
    open_flags = select(Flag.id).where(Flag.closed_at.is_(None))
    is_closed = or_(Reply.flag_id.is_(None), Reply.flag_id.not_in(open_flags))
    return (Reply.received_at < periods.words_before(now)) & Reply.handled_at.is_not(None) & is_closed


def _has_old_body(periods: Periods, now: datetime) -> ColumnElement[bool]:
    """Also of whoever was erased while a message to them was on its way."""
    has_words = or_(Delivery.body_sealed.is_not(None), Delivery.address_sealed.is_not(None))
    erased = select(Member.id).where(Member.erased_at.is_not(None))
    is_over = or_(Delivery.due_at < periods.bodies_before(now), Delivery.member_id.in_(erased))
    return has_words & is_over & Delivery.state.not_in(OPEN)


def _is_old_message(periods: Periods, now: datetime) -> ColumnElement[bool]:
    return (Delivery.due_at < periods.log_before(now)) & Delivery.state.not_in(OPEN)


def _remove_answers(db: Session, periods: Periods, now: datetime) -> int:
    ids = _some(db, _too_old(periods, now)["answers"])
    db.execute(delete(CheckIn).where(CheckIn.id.in_(ids)))
    return len(ids)


def _remove_replies(db: Session, periods: Periods, now: datetime) -> int:
    held = select(CheckIn.reply_id)
    ids = _some(db, _too_old(periods, now)["replies"].where(Reply.id.not_in(held)))
    blank.note_replies(db, Reply.id.in_(ids), now)
    db.execute(delete(Reply).where(Reply.id.in_(ids)))
    db.execute(HandOver.of_nothing())
    return len(ids)


def _remove_bodies(db: Session, periods: Periods, now: datetime) -> int:
    ids = _some(db, _too_old(periods, now)["bodies"])
    blank.note_deliveries(db, Delivery.id.in_(ids), now)
    db.execute(update(Delivery).where(Delivery.id.in_(ids)).values(body_sealed=None, address_sealed=None))
    return len(ids)


def _remove_messages(db: Session, periods: Periods, now: datetime) -> int:
    """Their moves stay: they hold no person, and are only ever added to."""
    answered = select(CheckIn.delivery_id)
    ids = _some(db, _too_old(periods, now)["messages"].where(Delivery.id.not_in(answered)))
    blank.note_deliveries(db, Delivery.id.in_(ids), now)  # the log may be kept for less than the words
    db.execute(delete(Delivery).where(Delivery.id.in_(ids)))
    return len(ids)


def _remove_spent(db: Session, periods: Periods, now: datetime) -> int:
    before = now - SPENT
    links = _some(db, select(Link.id).where(Link.expires_at < before))
    sign_ins = _some(db, select(SignIn.id).where(SignIn.seen_at < before))
    blanked = ProviderCopy.next_at.is_(None) & (ProviderCopy.since < before)
    db.execute(delete(ProviderCopy).where(blanked))
    db.execute(delete(Link).where(Link.id.in_(links)))
    db.execute(delete(SignIn).where(SignIn.id.in_(sign_ins)))
    return len(links) + len(sign_ins)


def _some(db: Session, query: Select[Any]) -> list[UUID]:
    return list(db.scalars(query.limit(AT_ONCE)))
