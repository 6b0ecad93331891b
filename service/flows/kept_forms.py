"""What was typed into a form that came too late: kept for whoever typed it, until they are signed in again."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.flows.links import hashed
from service.models import KeptForm, SignIn

LASTS = timedelta(hours=12)
LARGEST = 500_000
"""Characters."""
NEVER_KEPT = ("password", "csrf", "code", "credential")
"""Fields with these in their name: secrets, and what is good for one moment."""


def keep(db: Session, token: str, path: str, fields: Iterable[tuple[str, str]], now: datetime) -> bool:
    """Whether it was kept: for whoever was signed in by this token, and for nobody else."""
    row = db.scalars(select(SignIn).where(SignIn.token_hash == hashed(token))).first()
    typed = json.dumps([pair for pair in fields if may_be_kept(pair[0])])
    if row is None or row.staff.disabled_at is not None or len(typed) > LARGEST:
        return False
    db.add(KeptForm(staff_id=row.staff_id, path=path, fields=typed, kept_at=now))
    return True


def kept_for(db: Session, staff_id: UUID, now: datetime) -> Sequence[KeptForm]:
    """The latest first."""
    still = KeptForm.kept_at > now - LASTS
    return db.scalars(select(KeptForm).where(KeptForm.staff_id == staff_id, still).order_by(KeptForm.id.desc())).all()


def may_be_kept(field: str) -> bool:
    return not any(name in field for name in NEVER_KEPT)


def fields_of(row: KeptForm) -> list[tuple[str, str]]:
    return [(name, value) for name, value in json.loads(row.fields)]


def forget_old(db: Session, now: datetime) -> None:
    db.execute(delete(KeptForm).where(KeptForm.kept_at <= now - LASTS))
