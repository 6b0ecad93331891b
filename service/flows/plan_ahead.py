"""Time goes on: sessions come into the calendar, deliveries onto the plan, and what waited for an hour to pass is free.

Whatever else changes a plan brings it in line itself, in its own transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.flows.plan import Changes, is_in_line, plan
from service.flows.schedule import materialise, missing
from service.models import Group, Series

AGAIN_AFTER = timedelta(minutes=15)
AT_ONCE = 20


def take_turn(db: Session, now: datetime) -> Sequence[UUID]:
    """The groups whose plan was not looked at for a while, a few at once; another clock gets others.

    One that is not looked at after all, for its clock was killed, has its turn again a quarter of an hour later.
    """
    seen_of_late = Group.planned_at.between(now - AGAIN_AFTER, now)  # one from the future: the clock was wrong then
    waits = Group.closed_at.is_(None) & (Group.planned_at.is_(None) | ~seen_of_late)
    ids = db.scalars(select(Group.id).where(waits).limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    db.execute(update(Group).where(Group.id.in_(ids)).values(planned_at=now))
    return ids


def has_fallen_behind(db: Session, group_id: UUID, now: datetime) -> bool:
    """Whether anything is to be done. Only reads, and so holds nobody up: mostly there is nothing."""
    return any(missing(db, series, now) for series in _series(db, group_id)) or not is_in_line(
        db, db.get_one(Group, group_id), now
    )


def bring_up(db: Session, group_id: UUID, now: datetime) -> Changes:
    """Sessions twelve weeks ahead, deliveries a fortnight."""
    for series in _series(db, group_id):
        materialise(db, series, now)
    return plan(db, now, [db.get_one(Group, group_id)])


def _series(db: Session, group_id: UUID) -> Sequence[Series]:
    return db.scalars(select(Series).where(Series.group_id == group_id)).all()
