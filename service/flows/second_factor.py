"""Authenticator apps and passkeys of staff: set up, taken away, and who must have one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

import pyotp
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from service.flows import recovery
from service.flows.audit import audit
from service.flows.calls import add_mail
from service.models import SecondFactor, SecondStep, Staff
from service.models.alerts import Why
from service.models.practice import Role
from service.models.second_factors import Factor

SETUP_LASTS = timedelta(minutes=10)
STEP = 30
SKEW = 1
"""A code of the 30 seconds before and after is taken too: phones' clocks differ."""
LABELS = {Factor.APP: "Authenticator app", Factor.PASSKEY: "Passkey"}
MUST_HAVE = frozenset({Role.ADMIN, Role.FACILITATOR})


class LastOne(Exception):
    """Whoever must have a second factor keeps one."""


def has_any(db: Session, staff_id: UUID) -> bool:
    return db.scalars(SecondFactor.of(staff_id).limit(1)).first() is not None


def is_owed(db: Session, staff: Staff, is_live: bool) -> bool:
    """They must have a second factor and do not."""
    return is_live and staff.role in MUST_HAVE and not has_any(db, staff.id)


def lacking(db: Session) -> tuple[int, int]:
    """How many of those who must have a second factor live have none, and of how many."""
    must = (Staff.disabled_at.is_(None), Staff.role.in_(MUST_HAVE))
    has = exists().where(SecondFactor.staff_id == Staff.id, SecondFactor.confirmed_at.is_not(None))
    everybody = select(func.count(Staff.id)).where(*must)
    return db.scalar(everybody.where(~has)) or 0, db.scalar(everybody) or 0


def begin(db: Session, staff_id: UUID, kind: Factor, now: datetime, challenge: bytes | None = None) -> None:
    """One of this kind is being set up; what was begun before is forgotten."""
    _forget_setup(db, staff_id, kind)
    made = SecondFactor(staff_id=staff_id, kind=kind, challenge=challenge, created_at=now)
    if kind is Factor.APP:
        made.seed = pyotp.random_base32()
    db.add(made)


def in_setup(db: Session, staff_id: UUID, kind: Factor, now: datetime) -> SecondFactor | None:
    """What is being set up, while it may still be confirmed."""
    row = db.scalars(SecondFactor.in_setup(staff_id, kind)).first()
    return row if row is not None and now - row.created_at < SETUP_LASTS else None


def confirm(db: Session, factor: SecondFactor, staff: Staff, label: str, now: datetime) -> list[str]:
    """It counts from now on. Their recovery codes, where these are their first."""
    factor.label = label or LABELS[factor.kind]
    factor.confirmed_at, factor.challenge = now, None
    db.flush()
    audit(db, staff.id, "second factor added", staff, now, kind=factor.kind.value)
    add_mail(db, staff, Why.FACTOR_ADDED, now)
    return [] if recovery.left(db, staff.id) else recovery.renew(db, staff, now)


def remove(db: Session, factor: SecondFactor, staff: Staff, now: datetime, *, is_live: bool) -> None:
    """Raises LastOne. The recovery codes go with the last one."""
    others = [row for row in db.scalars(SecondFactor.of(staff.id)) if row is not factor]
    if not others and is_live and staff.role in MUST_HAVE:
        raise LastOne("This is the only one. Add another first: your role needs one.")
    db.delete(factor)
    if not others:
        recovery.drop(db, staff.id)
    audit(db, staff.id, "second factor removed", staff, now, kind=factor.kind.value)
    add_mail(db, staff, Why.FACTOR_REMOVED, now)


def remove_all(db: Session, staff: Staff, now: datetime) -> int:
    """By whoever runs the host, for somebody who has lost their phone. How many there were."""
    count = len(db.scalars(SecondFactor.of(staff.id)).all())
    for table in (SecondFactor, SecondStep):
        db.execute(delete(table).where(table.staff_id == staff.id))
    recovery.drop(db, staff.id)
    audit(db, None, "second factors removed", staff, now, count=count)
    add_mail(db, staff, Why.FACTOR_REMOVED, now)
    return count


def renew_codes(db: Session, staff: Staff, now: datetime) -> list[str]:
    """Ten new ones, and a word to whoever's they are."""
    add_mail(db, staff, Why.CODES, now)
    return recovery.renew(db, staff, now)


def takes(factor: SecondFactor, typed: str, now: datetime) -> bool:
    """Whether the app shows this code now. It is used up, and each before it. The caller holds a lock on the person."""
    code, here = "".join(typed.split()), int(now.timestamp()) // STEP
    for step in range(max(factor.last_step + 1, here - SKEW), here + SKEW + 1):
        if compare_digest(pyotp.TOTP(factor.seed).generate_otp(step), code if code.isascii() else ""):
            factor.last_step, factor.used_at = step, now
            return True
    return False


def locked(db: Session, staff_id: UUID) -> Staff:
    """The person, whose second factors nobody else changes or uses until the end of this transaction."""
    return db.scalars(select(Staff).where(Staff.id == staff_id).with_for_update()).one()


def listed(db: Session, staff_id: UUID) -> Sequence[SecondFactor]:
    return db.scalars(SecondFactor.of(staff_id)).all()


def address(factor: SecondFactor, staff: Staff, practice: str) -> str:
    """What the picture for the app holds."""
    return pyotp.TOTP(factor.seed).provisioning_uri(name=staff.email, issuer_name=practice)


def _forget_setup(db: Session, staff_id: UUID, kind: Factor) -> None:
    for row in db.scalars(SecondFactor.in_setup(staff_id, kind)):
        db.delete(row)
    db.flush()
