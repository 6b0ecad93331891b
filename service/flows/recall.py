"""What was done, found again: entries of the audit, the newest first, with the names of today."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload

from service.flows.reading import Read
from service.models import AuditEntry, Group, GroupSession, Member, Opening, Staff
from service.models.base import Identified

Row = TypeVar("Row", bound=Identified)

OPENED = "replies opened"
OF = ("groups", "group_sessions", "openings")
"""Tables of which an entry's row has something to say besides its number."""
READING = frozenset({*(read.value for read in Read), OPENED})
SIGN_INS = frozenset(
    {
        *("signed in", "signed out", "signed out elsewhere", "wrong password", "sign-ins held off", "unknown address"),
        *("second step refused", "recovery code used"),
    }
)


@dataclass(frozen=True)
class Wanted:
    """Which entries. What is None is not asked for."""

    staff_id: UUID | None = None
    is_system: bool = False
    """What nobody of the staff did: the service itself, or a command on the host."""
    actions: Collection[str] | None = None
    but_not: Collection[str] = ()
    member_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> Select[AuditEntry]:
        return select(AuditEntry).where(*self._conditions())

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.staff_id is not None:
            yield AuditEntry.staff_id == self.staff_id
        if self.is_system:
            yield AuditEntry.staff_id.is_(None)
        if self.actions is not None:
            yield AuditEntry.action.in_(self.actions)
        if self.but_not:
            yield AuditEntry.action.not_in(self.but_not)
        if self.member_id is not None:
            yield AuditEntry.member_id == self.member_id
        if self.since is not None:
            yield AuditEntry.at >= self.since
        if self.until is not None:
            yield AuditEntry.at < self.until


@dataclass(frozen=True)
class Shelf:
    """A page of entries, and the numbers behind which there are more."""

    entries: Sequence[AuditEntry]
    older_than: int | None
    newer_than: int | None


def shelf(db: Session, wanted: Wanted, most: int, *, before: int | None = None, after: int | None = None) -> Shelf:
    """The newest of them; or those next to the entry of that number, on either side of it."""
    if after is not None:
        rows = db.scalars(wanted.query().where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(most + 1)).all()
        entries = list(reversed(rows[:most]))
        return _shelf(entries, is_older=bool(entries), is_newer=len(rows) > most)
    query = wanted.query() if before is None else wanted.query().where(AuditEntry.seq < before)
    rows = db.scalars(query.order_by(AuditEntry.seq.desc()).limit(most + 1)).all()
    return _shelf(rows[:most], is_older=len(rows) > most, is_newer=before is not None)


def _shelf(entries: Sequence[AuditEntry], *, is_older: bool, is_newer: bool) -> Shelf:
    return Shelf(
        entries,
        older_than=entries[-1].seq if is_older and entries else None,
        newer_than=entries[0].seq if is_newer and entries else None,
    )


@dataclass(frozen=True)
class Names:
    """Who and what the entries speak of, as they are called today. Who was erased has no name."""

    staff: Mapping[UUID, str] = field(default_factory=dict)
    members: Mapping[UUID, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    """By the id of a group, or of a session."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """By the id of an opening."""


def names(db: Session, entries: Sequence[AuditEntry]) -> Names:
    """Five queries, however many entries."""
    ids = {kind: {UUID(row.object_id) for row in entries if row.object_type == kind and row.object_id} for kind in OF}
    members = select(Member).where(Member.id.in_({row.member_id for row in entries if row.member_id}))
    with_group = joinedload(GroupSession.group)
    sessions = db.scalars(_among(GroupSession, ids["group_sessions"]).options(with_group)).all()
    groups = {str(row.id): row.name for row in db.scalars(_among(Group, ids["groups"]))}
    return Names(
        staff={row.id: row.name for row in db.scalars(select(Staff))},
        members={row.id: row.name for row in db.scalars(members)},
        groups=groups | {str(row.id): row.group.name for row in sessions},
        reasons={str(row.id): row.reason for row in db.scalars(_among(Opening, ids["openings"]))},
    )


def _among(model: type[Row], ids: Collection[UUID]) -> Select[Row]:
    return select(model).where(model.id.in_(ids))
