"""Somebody of the staff is away: what is theirs to read goes to whoever covers for them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.models import Absence, Staff


def go_away(db: Session, staff: Staff, by: Staff, days: tuple[date, date], noted_by: UUID, now: datetime) -> Absence:
    """From the first of these days to the last, both included."""
    absence = Absence(staff_id=staff.id, cover_id=by.id, first=days[0], last=days[1])
    db.add(absence)
    db.flush()
    audit(db, noted_by, "cover arranged", absence, now)
    return absence


def come_back(db: Session, absence: Absence, noted_by: UUID, now: datetime) -> None:
    audit(db, noted_by, "cover ended", absence, now)
    db.delete(absence)


def reader_of(db: Session, staff_id: UUID, day: date) -> UUID:
    """Who reads what is this person's on this day: they themselves, or their cover, or the cover's cover."""
    covers = {row.staff_id: row.cover_id for row in db.scalars(Absence.on(day))}
    seen: set[UUID] = set()
    while staff_id in covers and staff_id not in seen:
        seen.add(staff_id)
        staff_id = covers[staff_id]
    return staff_id
