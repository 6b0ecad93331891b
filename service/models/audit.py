"""Who did what, what was opened for a reason, and which of our processes are alive."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.base import Base, Identified
from service.models.people import Member
from service.models.practice import Staff
from service.models.sealed import Sealed


class AuditEntry(Base):
    """One thing that was done, by whom. Added, never changed: each holds the hash of the one before it."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_staff_id_at", "staff_id", "at"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    staff_id: Mapped[UUID | None]
    """None: the system itself, or a command on the host."""
    action: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(40))
    member_id: Mapped[UUID | None] = mapped_column(index=True)
    """Whom of the members it is about. It outlives the member's own row."""
    details: Mapped[dict[str, Any]]
    """Counts, ids and words of ours; never a person's."""
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class Opening(Identified):
    """An administrator opened what a member of somebody else's group wrote, for a while and for a reason."""

    __tablename__ = "openings"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"), index=True)
    reason_sealed: Mapped[bytes]
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """By the machine's clock, as sign-ins."""

    reason = Sealed()

    staff: Mapped[Staff] = relationship()
    member: Mapped[Member] = relationship()


class Heartbeat(Base):
    """When a process was last alive, by the machine's clock."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(24), primary_key=True)
    machine_at: Mapped[datetime]
    restarts: Mapped[int] = mapped_column(default=0)
    """How often it died and was started again since the service was started."""
    restarted_at: Mapped[datetime | None]
