"""The last entry of each ledger, once a day, in a file outside the database: what is cut off at the end shows by it.

The same lines stand in the log, for whoever keeps that on another machine: a thief who has this one has the file, too.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import AuditEntry, Consent

FILE = "ledger-heads"
LINE = re.compile(r"(\d{4}-\d\d-\d\d) (consents|audit_entries) (\d{1,18}) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """The last row of a ledger, as it stood on that day."""

    day: date
    ledger: str
    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.day.isoformat()} {self.ledger} {self.seq} {self.hash}"


def note(db: Session, data_dir: Path, today: date) -> Sequence[Head]:
    """Add those of today, unless they are there. Two processes at once add them twice, which does no harm."""
    if any(head.day == today for head in kept(data_dir)):
        return ()
    found = [head for model in (Consent, AuditEntry) if (head := _last(db, model, today))]
    if found:
        handle = os.open(data_dir / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write("".join(f"{head}\n" for head in found))
    return found


def kept(data_dir: Path) -> Sequence[Head]:
    """The oldest first. A line that was cut short counts for nothing."""
    try:
        lines = (data_dir / FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return ()
    found = [match.groups() for line in lines if (match := LINE.fullmatch(line))]
    return [Head(date.fromisoformat(day), ledger, int(seq), hashed) for day, ledger, seq, hashed in found]


def _last(db: Session, model: type[Consent] | type[AuditEntry], today: date) -> Head | None:
    row = db.execute(select(model.seq, model.hash).order_by(model.seq.desc()).limit(1)).first()
    return Head(today, model.__tablename__, row.seq, row.hash) if row is not None else None
