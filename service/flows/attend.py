"""A member says whether they come, or staff note it; and afterwards, whether they came."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.converse import WENT_OUT
from service.flows.plan import plan
from service.flows.show import current_answer
from service.models import Attendance, Delivery, GroupSession, Member
from service.models.groups import Answer, Came
from service.rules.kinds import Kind


def answer(db: Session, group_session: GroupSession, member: Member, said: Answer | None, now: datetime) -> Attendance:
    """Keep what the member said about this start of the session. What need not be asked any more is taken back."""
    row = _row(db, group_session, member)
    row.answer, row.answered_at = said, now
    row.start_revision = group_session.start_revision
    db.flush()
    plan(db, now, [group_session.group], member)
    return row


def said(db: Session, group_session: GroupSession, member: Member) -> Answer | None:
    """What the member said about this start of the session."""
    return current_answer(db.get(Attendance, (group_session.id, member.id)), group_session)


def was_written_to_since(db: Session, asked: Delivery) -> bool:
    """Whether staff wrote to the member after they answered what was asked."""
    about = Attendance.group_session_id == asked.group_session_id, Attendance.member_id == asked.member_id
    notes = select(Delivery.id).where(
        Delivery.member_id == asked.member_id,
        Delivery.kind == Kind.NOTE,
        Delivery.state.in_(WENT_OUT),
        Delivery.marked_at > select(Attendance.answered_at).where(*about).scalar_subquery(),
    )
    return db.scalars(notes.limit(1)).first() is not None


def note_presence(db: Session, group_session: GroupSession, member: Member, came: Came | None, now: datetime) -> None:
    """Who was there. Unknown stays unknown: it is never taken for absence."""
    row = _row(db, group_session, member)
    row.came = came
    db.flush()
    plan(db, now, [group_session.group], member)


def _row(db: Session, group_session: GroupSession, member: Member) -> Attendance:
    row = db.get(Attendance, (group_session.id, member.id), with_for_update=True)
    if row is None:
        row = Attendance(group_session_id=group_session.id, member_id=member.id)
        db.add(row)
        db.flush()
    return row
