"""What members answered to the questions of the week."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Identified
from service.models.sealed import Sealed


class CheckIn(Identified):
    """A member's answer to one check-in, or to how their goal is going. Said again, it is changed."""

    __tablename__ = "check_ins"
    __table_args__ = (Index("ix_check_ins_member_id_asked_at", "member_id", "asked_at"),)

    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id"), unique=True)
    reply_id: Mapped[UUID] = mapped_column(ForeignKey("replies.id"))
    kind: Mapped[str] = mapped_column(String(24))
    """checkin, or goal."""
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime]
    is_late: Mapped[bool]
    """Answered when the question's time was over: it may be about another day."""
    answer_sealed: Mapped[bytes]

    answer = Sealed()
    """0, worst, to 10, best, as it was written; or did, some, not_yet."""

    @classmethod
    def of(cls, member_id: UUID, kind: str) -> Select[Self]:
        """The oldest first."""
        return select(cls).where(cls.member_id == member_id, cls.kind == kind).order_by(cls.asked_at, cls.id)
