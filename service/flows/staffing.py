"""Staff are added, set their password by a one-time link, and sign in."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.audit import audit
from service.flows.links import hashed, new_link
from service.models import Link, SignIn, Staff
from service.models.practice import Role
from service.models.sealed import index_of
from service.rules.consent import Channel

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum for argon2id
NOBODY = HASHER.hash(secrets.token_urlsafe(16))
"""Checked for an address we do not know, so that the answer takes as long."""

LINK_LASTS = timedelta(hours=1)
IDLE = timedelta(hours=8)
"""A sign-in ends after so long without a page."""
LONGEST = timedelta(hours=12)
FAILURES, LOCKED_FOR = 10, timedelta(minutes=15)
SHORTEST, LONGEST_PASSWORD = 12, 256
COMMON = frozenset(
    {"password1234", "123456789012", "qwertyuiop12", "passwordpassword", "groupkeeper1", "letmeinletmein"}
)


class AlreadyThere(Exception):
    """Somebody on the staff has this address."""


def password_problem(password: str) -> str | None:
    """What is wrong with a password, in a sentence; None: it will do."""
    if len(password) > LONGEST_PASSWORD:
        return f"Use at most {LONGEST_PASSWORD} characters."
    if len(password) < SHORTEST or password.lower() in COMMON or len(set(password)) < 5:
        return f"Use at least {SHORTEST} characters that are not on the list of common passwords."
    return None


def add_staff(db: Session, email: str, name: str, role: Role, now: datetime, password: str | None = None) -> Staff:
    """Raises AlreadyThere. Without a password the person needs a link to set one."""
    index = index_of(Channel.EMAIL, email.lower())
    if db.scalars(select(Staff).where(Staff.email_index == index)).first() is not None:
        raise AlreadyThere("Somebody on the staff has this address already.")
    staff = Staff(email=email.lower(), email_index=index, name=name, role=role, created_at=now)
    staff.password_hash = HASHER.hash(password) if password else None
    db.add(staff)
    db.flush()
    audit(db, None, "staff added", staff, now, role=role.value)
    return staff


def password_link(db: Session, staff: Staff, now: datetime) -> str:
    """The token of a link that sets the password, once, within the hour."""
    return new_link(db, "password", now + LINK_LASTS, staff_id=staff.id)


def set_password(db: Session, link: Link, password: str, now: datetime) -> Staff:
    """Use up the link. Every browser in which the person is signed in is signed out."""
    staff = db.get_one(Staff, link.staff_id)
    staff.password_hash, staff.failures, staff.locked_until = HASHER.hash(password), 0, None
    link.used_at = now
    for sign_in in db.scalars(select(SignIn).where(SignIn.staff_id == staff.id, SignIn.ended_at.is_(None))):
        sign_in.ended_at = now
    audit(db, staff.id, "password set", staff, now)
    return staff


def sign_in(db: Session, email: str, password: str, now: datetime) -> tuple[str | None, str]:
    """A new token and "", or None and the sentence why not. Takes as long for a stranger as for a wrong password."""
    staff = db.scalars(Staff.with_email(index_of(Channel.EMAIL, email.strip().lower())).with_for_update()).first()
    if staff is not None and staff.locked_until is not None and staff.locked_until > now:
        minutes = max(1, round((staff.locked_until - now) / timedelta(minutes=1)))
        return None, f"Too many tries. Wait {minutes} minutes, or ask an administrator."
    known = staff.password_hash if staff is not None and staff.password_hash else NOBODY
    if not _matches(known, password) or staff is None or staff.password_hash is None:
        if staff is not None:
            _count_failure(staff, now)
        return None, "The email or the password is wrong."
    staff.failures, staff.locked_until = 0, None
    return start(db, staff.id, now), ""


def start(db: Session, staff_id: UUID, now: datetime) -> str:
    """A browser is signed in: the token for its cookie, of which we keep the hash."""
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


def _matches(known: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return HASHER.verify(known, password)
    except VerificationError:
        return False


def _count_failure(staff: Staff, now: datetime) -> None:
    staff.failures += 1
    if staff.failures >= FAILURES:
        staff.locked_until, staff.failures = now + LOCKED_FOR, 0
