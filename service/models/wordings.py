"""The texts in staff's own words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Identified

LONGEST = 1000


class Wording(Identified):
    """One version of one text in one language. Added, never changed: of several, the newest counts."""

    __tablename__ = "wordings"
    __table_args__ = (UniqueConstraint("medium", "key", "language", "version"),)

    medium: Mapped[str] = mapped_column(String(8))
    """sms, or the page that a mail leads to."""
    key: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int]
    words: Mapped[str | None] = mapped_column(String(LONGEST))
    """None: back to our own text."""
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    @classmethod
    def versions(cls, medium: str, key: str, language: str) -> Select[Self]:
        """The newest first."""
        query = select(cls).where(cls.medium == medium, cls.key == key, cls.language == language)
        return query.order_by(cls.version.desc())

    @staticmethod
    def newest(rows: Iterable["Wording"]) -> dict[tuple[str, str, str], "Wording"]:
        return {(row.medium, row.key, row.language): row for row in sorted(rows, key=lambda row: row.version)}
