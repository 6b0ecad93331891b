"""Who did what, and which of our processes are alive."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base


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


class Heartbeat(Base):
    """When a process was last alive, by the machine's clock."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(24), primary_key=True)
    machine_at: Mapped[datetime]
    restarts: Mapped[int] = mapped_column(default=0)
    """How often it died and was started again since the service was started."""
    restarted_at: Mapped[datetime | None]
