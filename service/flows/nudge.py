"""Replies that have waited for a day: whoever is to read them is told, once, or whoever covers for them."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.calls import Cause, add_pages
from service.flows.cover import reader_of
from service.flows.on_call import people
from service.models import Enrolment, Group, Practice, Reply, Staff
from service.models.alerts import Why

LIMIT = timedelta(hours=24)


def nudge(db: Session, now: datetime) -> int:
    """Tell the readers of what has waited for too long. Returns how many people."""
    query = Reply.unhandled().where(Reply.received_at <= now - LIMIT, Reply.nudged_at.is_(None))
    waiting = db.scalars(query.with_for_update(skip_locked=True)).all()
    readers = {_reader(db, reply, now) for reply in waiting}
    for reply in waiting:
        reply.nudged_at = now
    told = [db.get_one(Staff, one) for one in sorted(filter(None, readers))]
    add_pages(db, Cause(Why.REPLIES), told, now)
    return len(told)


def _reader(db: Session, reply: Reply, now: datetime) -> UUID | None:
    """Whoever it was handed to, else the facilitator of the member's group, or their cover; of a stranger's text,
    whoever is on call."""
    if reply.hand_over is not None:
        return reader_of(db, reply.hand_over.to_id, _today(db, now))
    query = (
        select(Group.facilitator_id)
        .join(Enrolment, Enrolment.group_id == Group.id)
        .where(Enrolment.left_on.is_(None), Group.facilitator_id.is_not(None))
    )
    member = reply.member
    owner = db.scalars(query.where(Enrolment.member_id == member.belongs_as)).first() if member else None
    if owner is None:
        return next((one.id for one in people(db, now)), None)
    return reader_of(db, owner, _today(db, now))


def _today(db: Session, now: datetime) -> date:
    return now.astimezone(db.scalars(select(Practice)).one().zone).date()
