"""Secret addresses for one person and one purpose: 128 bits, of which we keep the hash."""

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from service.models import Link


def new_link(
    db: Session,
    purpose: str,
    expires_at: datetime | None,
    *,
    member_id: UUID | None = None,
    staff_id: UUID | None = None,
    delivery_id: UUID | None = None,
) -> str:
    """The token of a new link. It is said once, here."""
    token = secrets.token_urlsafe(16)
    db.add(
        Link(
            token_hash=hashed(token),
            purpose=purpose,
            member_id=member_id,
            staff_id=staff_id,
            delivery_id=delivery_id,
            expires_at=expires_at,
        )
    )
    return token


def follow(db: Session, token: str, purpose: str, now: datetime) -> Link | None:
    """The link of this token, if it may still be used for this purpose. Changes nothing."""
    return db.scalars(Link.usable(hashed(token), purpose, now)).first()


def hashed(token: str) -> bytes:
    return sha256(token.encode()).digest()
