"""What staff do is kept: who, what, when. Each entry holds the hash of the one before it."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import AuditEntry, Practice
from service.models.base import Base

FIRST = "0" * 64


def audit(
    db: Session, staff_id: UUID | None, action: str, about: Base, now: datetime, **details: str | int | bool
) -> None:
    """Keep one entry in this transaction. `details` are counts, ids and words of ours, never a person's."""
    db.execute(select(Practice.id).with_for_update())
    previous = db.scalars(select(AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first() or FIRST
    entry = AuditEntry(
        at=now,
        staff_id=staff_id,
        action=action,
        object_type=about.__tablename__,
        object_id=str(getattr(about, "id", "")),
        details=dict(details),
        previous_hash=previous,
    )
    entry.hash = hash_of(entry)
    db.add(entry)
    db.flush()


def hash_of(entry: AuditEntry) -> str:
    told: list[Any] = [
        entry.at.astimezone(UTC).isoformat(),
        str(entry.staff_id or ""),
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.details,
        entry.previous_hash,
    ]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
