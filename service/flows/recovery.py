"""Recovery codes: ten that sign in once each, for whoever has lost their phone."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from service.flows import passwords
from service.flows.audit import audit
from service.flows.calls import add_mail
from service.models import RecoveryCode, Staff
from service.models.alerts import Why

HOW_MANY, LENGTH = 10, 12
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""None that is taken for another. Twelve of them are 58 bits, so they are hashed as a password is (ASVS 6.5.2)."""


def renew(db: Session, staff: Staff, now: datetime) -> list[str]:
    """Ten new codes, said once, here. Those before open nothing any more."""
    drop(db, staff.id)
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(HOW_MANY)]
    db.add_all(RecoveryCode(staff_id=staff.id, code_hash=passwords.hash_of(code)) for code in codes)
    audit(db, staff.id, "recovery codes made", staff, now)
    return [in_fours(code) for code in codes]


def take(db: Session, staff: Staff, typed: str, now: datetime) -> bool:
    """Whether this is a code of theirs that was never used. It is used up now. The caller has locked `staff`."""
    code = "".join(sign for sign in typed.upper() if sign.isalnum())
    if len(code) != LENGTH:
        return False
    for row in db.scalars(RecoveryCode.unused(staff.id)):
        if passwords.matches(row.code_hash, code):
            row.used_at = now
            audit(db, staff.id, "recovery code used", staff, now)
            add_mail(db, staff, Why.CODE_USED, now)
            return True
    return False


def left(db: Session, staff_id: UUID) -> int:
    unused = RecoveryCode.unused(staff_id).order_by(None).subquery()
    return db.scalar(select(func.count()).select_from(unused)) or 0


def drop(db: Session, staff_id: UUID) -> None:
    db.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))


def in_fours(text: str) -> str:
    """As it is read out and typed."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
