"""An administrator reads what is another's to read: for a reason, for an hour, and seen by whose group it is."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from service.flows.audit import audit
from service.flows.calls import add_mail
from service.flows.scope import groups_of, whole
from service.models import CheckIn, Enrolment, Group, Member, Opening, Reply, Staff
from service.models.alerts import Why

SHORTEST = 10
"""Letters of a reason."""
LASTS = timedelta(hours=1)
TOLD_FOR = timedelta(days=14)
"""So long whoever leads the group finds it on their own pages; the audit keeps it."""


def hidden(db: Session, member: Member) -> int:
    """How much of what the member wrote the session's scope keeps back."""
    counts = [select(func.count(model.id)).where(model.member_id == member.id) for model in (Reply, CheckIn)]
    seen = sum(db.scalars(count).one() for count in counts)
    with whole(db):
        return sum(db.scalars(count).one() for count in counts) - seen


def break_glass(db: Session, staff: Staff, member: Member, reason: str, at: tuple[datetime, datetime]) -> Opening:
    """From now on, and for an hour. `at` is now by the practice's clock, and by the machine's."""
    now, machine_now = at
    opening = Opening(staff_id=staff.id, member_id=member.id, reason=reason, opened_at=now, ends_at=machine_now + LASTS)
    db.add(opening)
    db.flush()
    audit(db, staff.id, "replies opened", opening, now)
    for leader in _leaders(db, member):
        if leader.id != staff.id:
            add_mail(db, leader, Why.OPENED, now)
    return opening


def in_force(db: Session, staff_id: UUID, member_id: UUID, machine_now: datetime) -> Opening | None:
    query = select(Opening).where(
        Opening.staff_id == staff_id, Opening.member_id == member_id, Opening.ends_at > machine_now
    )
    return db.scalars(query.order_by(Opening.ends_at.desc())).first()


def of_member(db: Session, member_id: UUID) -> Sequence[Opening]:
    """The newest first."""
    query = select(Opening).where(Opening.member_id == member_id).options(joinedload(Opening.staff))
    return db.scalars(query.order_by(Opening.opened_at.desc(), Opening.id.desc())).all()


def told_to(db: Session, leader: Staff, today: date, now: datetime) -> Sequence[Opening]:
    """What others opened of late, of members of the groups that this person leads or covers for."""
    enrolled = select(Enrolment.member_id).where(Enrolment.group_id.in_(groups_of(leader, today)))
    members = select(Member.id).where(Member.id.in_(enrolled) | Member.reached_for_id.in_(enrolled))
    query = select(Opening).where(
        Opening.member_id.in_(members), Opening.staff_id != leader.id, Opening.opened_at > now - TOLD_FOR
    )
    both = query.options(joinedload(Opening.staff), joinedload(Opening.member))
    return db.scalars(both.order_by(Opening.opened_at.desc(), Opening.id.desc())).all()


def _leaders(db: Session, member: Member) -> Sequence[Staff]:
    """Of every group that they are or were in."""
    groups = select(Enrolment.group_id).where(Enrolment.member_id == member.belongs_as)
    leads = select(Group.facilitator_id).where(Group.id.in_(groups))
    return db.scalars(select(Staff).where(Staff.id.in_(leads), Staff.disabled_at.is_(None)).order_by(Staff.id)).all()
