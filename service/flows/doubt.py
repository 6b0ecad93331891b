"""Numbers that may be another's by now: held until staff have asked, so that no stranger reads of a visit."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select
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


def hold_doubtful(db: Session, now: datetime) -> int:
    """Put numbers on hold that ought to be. Returns how many. Safe to repeat."""
    texted = select(Delivery.member_id).where(Delivery.channel == Channel.SMS, Delivery.due_at > now - LOOKED_AT)
    free = select(Member).where(
        Member.mobile_index.is_not(None), Member.number_doubt.is_(None), Member.id.in_(texted.distinct())
    )
    members = db.scalars(free).all()
    unreachable, silent = _unreachable(db, members, now), _silent(db, now)
    count = 0
    for member in members:
        doubt = NumberDoubt.UNREACHABLE if member.id in unreachable else NumberDoubt.SILENT
        if member.id in unreachable or member.id in silent:
            member.number_doubt = doubt
            db.flush()
            audit(db, None, "number on hold", member, now, why=doubt.value)
            plan_member(db, member, now)
            count += 1
    return count


def still_theirs(db: Session, member: Member, staff_id: UUID, now: datetime) -> bool:
    """Staff have asked: what waited goes on. Returns whether the number was on hold."""
    if member.number_doubt is None:
        return False
    member.number_doubt, member.number_checked_at = None, now
    db.flush()
    audit(db, staff_id, "number confirmed", member, now)
    plan_member(db, member, now)
    return True


def _unreachable(db: Session, members: Iterable[Member], now: datetime) -> set[UUID]:
    """Whose last texts, to the number that they have now, all found no phone."""
    rows: dict[UUID, list[Delivery]] = defaultdict(list)
    settled = select(Delivery).where(
        Delivery.channel == Channel.SMS,
        Delivery.state.in_((State.DELIVERED, State.UNDELIVERED)),
        Delivery.marked_at > now - LOOKED_AT,
    )
    for row in db.scalars(settled.order_by(Delivery.marked_at.desc())):
        rows[row.member_id].append(row)
    found = set()
    for member in members:
        since = member.number_checked_at or member.created_at
        to_it = [
            row
            for row in rows[member.id]
            if row.address_index == member.mobile_index and row.marked_at and row.marked_at > since
        ][:NOT_ONCE_MORE]
        if len(to_it) == NOT_ONCE_MORE and all(row.error_code == SWITCHED_OFF for row in to_it):
            found.add(member.id)
    return found


def _silent(db: Session, now: datetime) -> set[UUID]:
    """Of whom nothing was heard, and who came to no session, since long before now."""
    since = now - SILENT_FOR
    wrote = exists().where(Reply.address_index == Member.mobile_index, Reply.received_at > since)
    came = (
        select(Attendance.member_id)
        .join(GroupSession, GroupSession.id == Attendance.group_session_id)
        .where(Attendance.came.in_(THERE), GroupSession.starts_at > since)
    )
    known_since = func.coalesce(Member.number_checked_at, Member.created_at)
    return set(db.scalars(select(Member.id).where(known_since < since, ~wrote, Member.id.not_in(came))))
