"""What words for a person are answered with by themselves: that they came, or that nobody reads along now."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service.flows.converse import was_said
from service.models import Practice, Reply
from service.rules.reading_hours import ReadingHours
from service.rules.rows import NotReadable

UNMONITORED, RECEIVED = "unmonitored_notice", "unknown_reply"
FIRST_IN = timedelta(days=30)
"""The first words of their own within so long are told that nobody reads along live."""


def is_read_now(practice: Practice, now: datetime) -> bool:
    """Whether these are hours in which staff read replies. Hours that cannot be read promise nothing."""
    try:
        return ReadingHours.read(practice.reading_hours).cover(now, practice.zone)
    except NotReadable:
        return False


def unasked(practice: Practice, now: datetime) -> str:
    """For a text that answers nothing we asked."""
    return RECEIVED if is_read_now(practice, now) else UNMONITORED


def asked_for(db: Session, reply: Reply, practice: Practice, now: datetime) -> str:
    """For words that we asked for: an answer to each would be too much."""
    is_news = not was_said(db, reply, UNMONITORED, now - FIRST_IN)
    return UNMONITORED if is_news or not is_read_now(practice, now) else ""
