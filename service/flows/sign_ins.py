"""A browser is signed in, recognised, and signed out. The browser holds the token, we its hash."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import kept_forms
from service.flows.links import hashed
from service.models import SignIn

IDLE = timedelta(minutes=15)
"""A sign-in ends after so long without a page."""
LONGEST = timedelta(hours=12)
FRESH = timedelta(minutes=10)
NOTED = timedelta(minutes=1)
"""A page that only reads writes no more often than this that somebody was there."""


def start(db: Session, staff_id: UUID, now: datetime, device: str = "") -> str:
    """The token for the cookie of a browser that is signed in from now on."""
    token = secrets.token_urlsafe(32)
    row = SignIn(staff_id=staff_id, token_hash=hashed(token), created_at=now, seen_at=now, proved_at=now)
    row.device = device
    db.add(row)
    db.flush()
    kept_forms.forget_old(db, now)
    return token


def who(db: Session, token: str, now: datetime) -> SignIn | None:
    """The sign-in of this token, while it lasts."""
    row = db.scalars(select(SignIn).where(SignIn.token_hash == hashed(token), SignIn.ended_at.is_(None))).first()
    if row is None or row.staff.disabled_at is not None:
        return None
    return row if _lasts(row, now) else None


def left(row: SignIn, now: datetime) -> timedelta:
    """How long it lasts if no page is asked for."""
    return min(row.seen_at + IDLE, row.created_at + LONGEST) - now


def lasting(db: Session, staff_id: UUID, now: datetime) -> Sequence[SignIn]:
    """The browsers in which they are signed in, the latest used first."""
    rows = db.scalars(SignIn.open_of(staff_id).order_by(SignIn.seen_at.desc(), SignIn.id)).all()
    return [row for row in rows if _lasts(row, now)]


def end(db: Session, token: str, now: datetime) -> SignIn | None:
    """The sign-in that is over now."""
    row = db.scalars(select(SignIn).where(SignIn.token_hash == hashed(token), SignIn.ended_at.is_(None))).first()
    if row is not None:
        row.ended_at = now
    return row


def end_all(db: Session, staff_id: UUID, now: datetime) -> None:
    """Every browser in which they are signed in is signed out."""
    for row in db.scalars(SignIn.open_of(staff_id)):
        row.ended_at = now


def renew(db: Session, sign_in_id: UUID, now: datetime) -> str:
    """This browser goes by a new token, and every other one of the person is signed out."""
    here, token = db.get_one(SignIn, sign_in_id), secrets.token_urlsafe(32)
    end_all(db, here.staff_id, now)
    here.token_hash, here.ended_at = hashed(token), None
    return token


def is_fresh(row: SignIn, now: datetime) -> bool:
    """They have just shown who they are: what would help a thief may be changed."""
    return now - row.proved_at < FRESH


def _lasts(row: SignIn, now: datetime) -> bool:
    return left(row, now) > timedelta()
