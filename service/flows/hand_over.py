"""A thread is handed to a named colleague: from then on they read what waits in it, until it is handled."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.calls import Cause, add_pages
from service.models import HandOver, Member, Reply, Staff
from service.models.alerts import Why

LONGEST_NOTE = 500


def hand_over(  # noqa: PLR0913, PLR0917  from whom, to whom, what, with which words
    db: Session, about: Reply, ids: Collection[UUID], to: Staff, note: str, by: UUID, now: datetime
) -> HandOver | None:
    """What still waits of these replies is this colleague's now, and they are told that something waits.

    None: nothing waits any more. Its age goes on counting; whoever could read it still can.
    """
    waiting = db.scalars(select(Reply).where(Reply.id.in_(ids), Reply.handled_at.is_(None)).with_for_update()).all()
    if not waiting:
        return None
    row = HandOver(from_id=by, to_id=to.id, at=now)
    row.note = note or None
    db.add(row)
    db.flush()
    for reply in waiting:
        reply.hand_over_id, reply.nudged_at = row.id, None
    audit(db, by, "thread handed over", _whose(db, about), now, to=str(to.id), count=len(waiting))
    add_pages(db, Cause(Why.REPLIES), [to], now)
    return row


def take_back(db: Session, about: Reply, ids: Collection[UUID], by: UUID, now: datetime) -> int:
    """What waits of these is handed to nobody any more. Returns how many."""
    handed = (Reply.id.in_(ids), Reply.handled_at.is_(None), Reply.hand_over_id.is_not(None))
    waiting = db.scalars(select(Reply).where(*handed).with_for_update()).all()
    if waiting:  # first: whoever holds it reads no more of this member once it is over
        audit(db, by, "hand-over ended", _whose(db, about), now, count=len(waiting))
    for reply in waiting:
        reply.hand_over_id = None
    return len(waiting)


def go_along(db: Session, reply: Reply) -> None:
    """What somebody writes while their thread is handed over belongs to it."""
    is_theirs = (
        Reply.member_id == reply.member_id
        if reply.member_id is not None
        else Reply.member_id.is_(None) & (Reply.address_index == reply.address_index)
    )
    handed = select(Reply.hand_over_id).where(is_theirs, Reply.handled_at.is_(None), Reply.hand_over_id.is_not(None))
    reply.hand_over_id = db.scalars(handed.order_by(Reply.received_at.desc()).limit(1)).first()


def _whose(db: Session, about: Reply) -> Member | Reply:
    """What the entry is about: the member, where we know them."""
    return db.get_one(Member, about.member_id) if about.member_id else about
