"""Who reads what is a member's own is on record: once in ten minutes for each reader, whom, and sort of thing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.audit import Deed, audit_all, id_of, lock_chain
from service.models import AuditEntry
from service.models.base import Base

ONE_SIGHT = timedelta(minutes=10)
"""A page that is opened again within this was read once."""


class Read(StrEnum):
    """What was read, as the audit calls it."""

    REPLIES = "replies read"
    CHECK_INS = "check-ins read"
    ADDRESSES = "addresses read"
    FLAG = "flag read"


@dataclass(frozen=True)
class Sight:
    """What is about to be shown: of a member, of a flag, or of a stranger by what they wrote last."""

    what: Read
    of: Base


def not_on_record(db: Session, staff_id: UUID, sights: Collection[Sight], now: datetime) -> list[Sight]:
    """Those of them that this reader did not have of late."""
    since = select(AuditEntry.action, AuditEntry.object_id).where(
        AuditEntry.staff_id == staff_id,
        AuditEntry.at > now - ONE_SIGHT,
        AuditEntry.action.in_({sight.what for sight in sights}),
    )
    known = {tuple(row) for row in db.execute(since)}
    once = {(sight.what.value, id_of(sight.of)): sight for sight in sights}
    return [sight for key, sight in once.items() if key not in known]


def record(db: Session, staff_id: UUID, sights: Collection[Sight], now: datetime) -> None:
    """Put them on record. Of two tabs that open at once, one adds the entry."""
    lock_chain(db)
    new = not_on_record(db, staff_id, sights, now)
    audit_all(db, staff_id, [Deed(sight.what.value, sight.of) for sight in new], now)
