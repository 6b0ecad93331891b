"""A browser is signed in, recognised, and signed out. The browser holds the token, we its hash."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import passwords
from service.flows.links import hashed
from service.models import SignIn, Staff
from service.models.sealed import index_of
from service.rules.consent import Channel

IDLE = timedelta(hours=8)
"""A sign-in ends after so long without a page."""
LONGEST = timedelta(hours=12)
FAILURES, LOCKED_FOR = 10, timedelta(minutes=15)


def check_password(db: Session, email: str, password: str, now: datetime) -> tuple[Staff | None, str]:
    """Whose password this is and "", or None and the sentence why not. Takes as long for a stranger's address as for
    a wrong password. Nobody is signed in yet."""
    staff = db.scalars(Staff.with_email(index_of(Channel.EMAIL, email.strip().lower())).with_for_update()).first()
    if staff is not None and staff.locked_until is not None and staff.locked_until > now:
        minutes = max(1, round((staff.locked_until - now) / timedelta(minutes=1)))
        return None, f"Too many tries. Wait {minutes} minutes, or ask an administrator."
    if not passwords.matches(staff.password_hash if staff else None, password) or staff is None:
        if staff is not None:
            _count_failure(staff, now)
        return None, "The email or the password is wrong."
    staff.failures, staff.locked_until = 0, None
    return staff, ""


def start(db: Session, staff_id: UUID, now: datetime) -> str:
    """The token for the cookie of a browser that is signed in from now on."""
    token = secrets.token_urlsafe(32)
    db.add(SignIn(staff_id=staff_id, token_hash=hashed(token), created_at=now, seen_at=now))
    db.flush()
    return token


def who(db: Session, token: str, now: datetime) -> SignIn | None:
    """The sign-in of this token, while it lasts."""
    row = db.scalars(select(SignIn).where(SignIn.token_hash == hashed(token), SignIn.ended_at.is_(None))).first()
    if row is None or row.staff.disabled_at is not None:
        return None
    if now - row.seen_at > IDLE or now - row.created_at > LONGEST:
        return None
    return row


def end(db: Session, token: str, now: datetime) -> None:
    row = db.scalars(select(SignIn).where(SignIn.token_hash == hashed(token))).first()
    if row is not None:
        row.ended_at = now


def end_all(db: Session, staff_id: UUID, now: datetime) -> None:
    """Every browser in which the person is signed in is signed out."""
    for sign_in in db.scalars(select(SignIn).where(SignIn.staff_id == staff_id, SignIn.ended_at.is_(None))):
        sign_in.ended_at = now


def _count_failure(staff: Staff, now: datetime) -> None:
    staff.failures += 1
    if staff.failures >= FAILURES:
        staff.locked_until, staff.failures = now + LOCKED_FOR, 0
