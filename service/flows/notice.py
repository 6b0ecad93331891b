"""What words for a person are answered with by themselves: that they came, or that nobody reads along now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from service.flows.converse import was_said
from service.models import Enrolment, Group, GroupSession, Member, Practice, Reply
from service.rules.reading_hours import ReadingHours
from service.rules.rows import NotReadable

UNMONITORED, RECEIVED = "unmonitored_notice", "unknown_reply"
FIRST_IN = timedelta(days=30)
"""The first words of their own within so long are told that nobody reads along live."""


@dataclass(frozen=True)
class Readers:
    """When whoever reads these words reads: as a text says it, and on whose clock."""

    hours: str
    zone: ZoneInfo

    def are_reading(self, now: datetime) -> bool:
        """Hours that cannot be read promise nothing."""
        try:
            return ReadingHours.read(self.hours).cover(now, self.zone)
        except NotReadable:
            return False


def readers_of_group(group: Group, practice: Practice) -> Readers:
    return Readers(group.reading_hours, group.zone) if group.reading_hours else _readers_at(practice)


def readers(db: Session, reply: Reply, practice: Practice) -> Readers:
    """Of the group that the words are about; else of all the member's groups where these are read alike; else at the
    practice's hours."""
    about = db.get(GroupSession, reply.group_session_id) if reply.group_session_id else None
    groups = [about.group] if about else _groups(db, reply)
    found = {readers_of_group(group, practice) for group in groups}
    return found.pop() if len(found) == 1 else _readers_at(practice)


def unasked(db: Session, reply: Reply, practice: Practice, now: datetime) -> str:
    """For a text that answers nothing we asked."""
    return RECEIVED if readers(db, reply, practice).are_reading(now) else UNMONITORED


def asked_for(db: Session, reply: Reply, practice: Practice, now: datetime) -> str:
    """For words that we asked for: an answer to each would be too much."""
    is_news = not was_said(db, reply, UNMONITORED, now - FIRST_IN)
    return UNMONITORED if is_news or not readers(db, reply, practice).are_reading(now) else ""


def _readers_at(practice: Practice) -> Readers:
    return Readers(practice.reading_hours, practice.zone)


def _groups(db: Session, reply: Reply) -> list[Group]:
    member = db.get(Member, reply.member_id) if reply.member_id else None
    if member is None:
        return []
    theirs = Enrolment.current(reply.received_at.date()).where(Enrolment.member_id == member.belongs_as)
    ids = [enrolment.group_id for enrolment in db.scalars(theirs)]
    return list(db.scalars(Group.open().where(Group.id.in_(ids)))) if ids else []
