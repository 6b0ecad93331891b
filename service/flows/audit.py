"""What staff do is kept: who, what, when. Each entry holds the hash of the one before it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from service.models import AuditEntry, Member, Practice
from service.models.base import Base

FIRST = "0" * 64
KEPT = [name for name in AuditEntry.__mapper__.columns.keys() if name != "seq"]  # noqa: SIM118  no dict


@dataclass(frozen=True)
class Deed:
    """Something that was done to a row. `details` are counts, ids and words of ours, never a person's."""

    action: str
    about: Base
    details: Mapping[str, str | int | bool] = field(default_factory=dict)


def audit(
    db: Session, staff_id: UUID | None, action: str, about: Base, now: datetime, **details: str | int | bool
) -> None:
    """Keep one entry in this transaction."""
    audit_all(db, staff_id, [Deed(action, about, details)], now)


def audit_all(db: Session, staff_id: UUID | None, deeds: Iterable[Deed], now: datetime) -> None:
    """Keep an entry for each, numbered in this order."""
    lock_chain(db)
    previous = db.scalars(select(AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first() or FIRST
    rows = []
    for deed in deeds:
        entry = AuditEntry(
            at=now,
            staff_id=staff_id,
            action=deed.action,
            object_type=deed.about.__tablename__,
            object_id=id_of(deed.about),
            member_id=deed.about.id if isinstance(deed.about, Member) else getattr(deed.about, "member_id", None),
            details=dict(deed.details),
            previous_hash=previous,
        )
        entry.hash = previous = hash_of(entry)
        rows.append({name: getattr(entry, name) for name in KEPT})
    if rows:
        db.execute(insert(AuditEntry), rows)


def lock_chain(db: Session) -> None:
    """Until this transaction is over nobody else adds an entry."""
    db.execute(select(Practice.id).with_for_update())


def id_of(row: Base) -> str:
    return str(getattr(row, "id", ""))


def hash_of(entry: AuditEntry) -> str:
    told: list[Any] = [
        entry.at.astimezone(UTC).isoformat(),
        str(entry.staff_id or ""),
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.details,
        entry.previous_hash,
        *([str(entry.member_id)] if entry.member_id else []),
    ]
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
