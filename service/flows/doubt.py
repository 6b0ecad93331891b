"""Numbers that may be another's by now: held until staff have asked, so that no stranger reads of a visit."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby, islice
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.plan import plan_member
from service.models import Attendance, Delivery, GroupSession, Member, Reply
from service.models.groups import Came
from service.rules.consent import Channel, NumberDoubt
from service.rules.lifecycle import State

SILENT_FOR = timedelta(days=180)
"""Nothing heard and nobody seen for so long."""
LOOKED_AT = timedelta(days=60)
NOT_ONCE_MORE = 2
"""Texts one after the other that reach no phone."""
SWITCHED_OFF = "30003"
"""Twilio: the handset is off or out of reach. Codes of numbers that are gone suppress them at once."""
THERE = (Came.CAME, Came.LATE)


def doubtful(db: Session, now: datetime) -> dict[UUID, NumberDoubt]:
    """Members whose numbers ought to be on hold, and why. Only reads."""
    texted = select(Delivery.member_id).where(Delivery.channel == Channel.SMS, Delivery.due_at > now - LOOKED_AT)
    free = select(Member.id).where(
        Member.mobile_index.is_not(None), Member.number_doubt.is_(None), Member.id.in_(texted)
    )
    found = dict.fromkeys(db.scalars(free.where(_is_silent(now))), NumberDoubt.SILENT)
    return found | dict.fromkeys(_unreachable(db, free, now), NumberDoubt.UNREACHABLE)


def hold_doubtful(db: Session, now: datetime) -> int:
    """Put numbers on hold that ought to be. Returns how many. Safe to repeat."""
    found = doubtful(db, now)
    free = select(Member).where(Member.id.in_(found), Member.number_doubt.is_(None))  # another clock may be at it, too
    members = db.scalars(free.with_for_update(skip_locked=True)).all()
    for member in members:
        member.number_doubt = doubt = found[member.id]
        db.flush()
        audit(db, None, "number on hold", member, now, why=doubt.value)
        plan_member(db, member, now)
    return len(members)


def still_theirs(db: Session, member: Member, staff_id: UUID, now: datetime) -> bool:
    """Staff have asked: what waited goes on. Returns whether the number was on hold."""
    if member.number_doubt is None:
        return False
    member.number_doubt, member.number_checked_at = None, now
    db.flush()
    audit(db, staff_id, "number confirmed", member, now)
    plan_member(db, member, now)
    return True


def _unreachable(db: Session, free: Select[UUID], now: datetime) -> Iterator[UUID]:
    """Whose last texts, to the number that they have now, all found no phone."""
    found_none = (
        select(Delivery.member_id)
        .where(
            Delivery.channel == Channel.SMS, Delivery.error_code == SWITCHED_OFF, Delivery.marked_at > now - LOOKED_AT
        )
        .group_by(Delivery.member_id)
        .having(func.count() >= NOT_ONCE_MORE)
    )
    to_it = (
        select(Delivery.member_id, Delivery.error_code)
        .join(Member, Member.id == Delivery.member_id)
        .where(
            Member.id.in_(free),
            Member.id.in_(found_none),
            Delivery.channel == Channel.SMS,
            Delivery.state.in_((State.DELIVERED, State.UNDELIVERED)),
            Delivery.address_index == Member.mobile_index,
            Delivery.marked_at > func.coalesce(Member.number_checked_at, Member.created_at),
            Delivery.marked_at > now - LOOKED_AT,
        )
        .order_by(Delivery.member_id, Delivery.marked_at.desc())
    )
    for member_id, rows in groupby(db.execute(to_it), key=lambda row: row.member_id):
        last = [row.error_code for row in islice(rows, NOT_ONCE_MORE)]
        if last == [SWITCHED_OFF] * NOT_ONCE_MORE:
            yield member_id


def _is_silent(now: datetime) -> ColumnElement[bool]:
    """Nothing was heard of them, and they came to no session, since long before now."""
    since = now - SILENT_FOR
    wrote = exists().where(Reply.address_index == Member.mobile_index, Reply.received_at > since)
    came = (
        select(Attendance.member_id)
        .join(GroupSession, GroupSession.id == Attendance.group_session_id)
        .where(Attendance.came.in_(THERE), GroupSession.starts_at > since)
    )
    return (func.coalesce(Member.number_checked_at, Member.created_at) < since) & ~wrote & Member.id.not_in(came)
