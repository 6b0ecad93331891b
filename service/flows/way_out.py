"""How to end texts is said in every question that has room for it; in longer ones with every third session.

The law wants it in every fourth at least. By sessions, for a question is composed once for all who get it.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import texts
from service.models import GroupSession
from service.rules.segments import count

EVERY = 3
"""Sessions. Not two: whoever comes every second time would never read it, or always."""


def with_way_out(text: str, language: str) -> str:
    """The text with it at its end, unless it says so already."""
    return text if "STOP" in text.split() else f"{text} {texts.ours('sms', 'way_out', language)}"


def has_room(text: str, language: str) -> bool:
    return count(with_way_out(text, language)).segments == count(text).segments


def is_due(db: Session, about: GroupSession) -> bool:
    """Whether the questions about this session say it, though there is no room for it."""
    earlier = GroupSession.group_id == about.group_id, GroupSession.starts_at <= about.starts_at
    return db.scalars(select(func.count(GroupSession.id)).where(*earlier)).one() % EVERY == 0
