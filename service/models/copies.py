"""What the text provider still has of words that are gone here."""

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Select, String, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base

FAILS_FOR = timedelta(days=1)
UNFINISHED_FOR = timedelta(days=15)
"""Twilio says that a message may take up to 14 days to end (its error 20009)."""


class ProviderCopy(Base):
    """A text whose words are gone here, and are blanked at the provider."""

    __tablename__ = "provider_copies"

    provider_id: Mapped[str] = mapped_column(String(160), primary_key=True)
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"), index=True)
    since: Mapped[datetime]
    """When the words went here."""
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    """When the provider is asked next. None: its words are gone there, too; the row stays for a while, so that the
    text is not taken for a new one."""
    tries: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    """None: it was not tried yet, or the text is still on its way."""
    trouble: Mapped[str | None] = mapped_column(String(80))

    @classmethod
    def is_left(cls) -> ColumnElement[bool]:
        return cls.next_at.is_not(None)

    @classmethod
    def due(cls, now: datetime) -> Select[Self]:
        return select(cls).where(cls.next_at <= now).order_by(cls.next_at, cls.provider_id)

    @classmethod
    def is_stuck(cls, now: datetime) -> ColumnElement[bool]:
        """For so long that somebody should look."""
        return cls.is_left() & or_(cls.failing_since <= now - FAILS_FOR, cls.since <= now - UNFINISHED_FOR)
