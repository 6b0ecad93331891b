"""What members wrote back."""

from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, ForeignKey, Index, Select, String, and_, delete, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.alerts import Flag
from service.models.base import Identified, words
from service.models.people import Member
from service.models.sealed import Sealed
from service.rules.consent import Channel


class HandOver(Identified):
    """What waited of somebody's words, from one of the staff to another."""

    __tablename__ = "hand_overs"

    from_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    at: Mapped[datetime]
    note_sealed: Mapped[bytes | None]

    note = Sealed()

    @classmethod
    def of_nothing(cls) -> Delete:
        """Those of which no reply is left: their notes speak of somebody too."""
        return delete(cls).where(cls.id.not_in(select(Reply.hand_over_id).where(Reply.hand_over_id.is_not(None))))


class Reply(Identified):
    """One inbound message. Kept once by the provider's id, whatever it says and whoever it is from."""

    __tablename__ = "replies"
    __table_args__ = (
        Index("ix_replies_received_at", "received_at"),
        Index("ix_replies_member_id_received_at", "member_id", "received_at"),
    )
    FROM_A_PAGE, MADE_UP = "page:", "demo:"
    """How the ids of words begin that no provider brought us."""

    provider_id: Mapped[str] = mapped_column(String(160), unique=True)
    channel: Mapped[Channel] = mapped_column(words(Channel))
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))
    """None: nobody we know, or one of several who share the phone."""
    address_index: Mapped[bytes] = mapped_column(index=True)
    address_sealed: Mapped[bytes]
    text_sealed: Mapped[bytes | None]
    received_at: Mapped[datetime]
    meaning: Mapped[str] = mapped_column(String(24))
    distress: Mapped[str | None] = mapped_column(String(24))
    """What the scan for distress found: a category for a person to look at now, or `review` for today."""
    group_session_id: Mapped[UUID | None] = mapped_column(ForeignKey("group_sessions.id"))
    answered_with: Mapped[str | None] = mapped_column(String(40))
    """The key of the text that was sent back."""
    answer_sealed: Mapped[bytes | None]
    answer_provider_id: Mapped[str | None] = mapped_column(String(64))
    handled_at: Mapped[datetime | None]
    handled_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    flag_id: Mapped[UUID | None] = mapped_column(ForeignKey("flags.id"), index=True)
    nudged_at: Mapped[datetime | None]
    hand_over_id: Mapped[UUID | None] = mapped_column(ForeignKey("hand_overs.id"), index=True)
    """Whose it is while it waits, where somebody handed it over."""

    address = Sealed()
    text = Sealed()
    answer = Sealed()

    member: Mapped[Member | None] = relationship()
    hand_over: Mapped[HandOver | None] = relationship()

    @classmethod
    def by_provider(cls) -> ColumnElement[bool]:
        return and_(*(cls.provider_id.not_like(f"{ours}%") for ours in (cls.FROM_A_PAGE, cls.MADE_UP)))

    @classmethod
    def newest(cls) -> Select[Self]:
        return select(cls).order_by(cls.received_at.desc(), cls.id.desc())

    @classmethod
    def urgent(cls) -> Select[Self]:
        """Those whose flag calls for a person now, and is open."""
        return cls.newest().join(Flag, Flag.id == cls.flag_id).where(Flag.is_urgent, Flag.closed_at.is_(None))

    @classmethod
    def unhandled(cls) -> Select[Self]:
        return cls.newest().where(cls.handled_at.is_(None))
