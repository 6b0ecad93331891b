"""Secret addresses for one person and one purpose: 128 bits, of which we keep the hash."""

import re
import secrets
from collections import defaultdict
from datetime import date, datetime, time
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.models import Delivery, Enrolment, GroupSession, Link, Member
from service.models.base import uuid7
from service.models.bulk import insert_new
from service.rules.recurrence import starts_at


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


class Links:
    """Of many deliveries, kept at once: to add each row by itself costs more than all else about a mail."""

    def __init__(self) -> None:
        self._columns: dict[str, list[object]] = defaultdict(list)

    def new(self, purpose: str, expires_at: datetime | None, delivery: Delivery) -> str:
        """The token of a new link for whom the delivery goes to. It leads nowhere until it is kept."""
        token = secrets.token_urlsafe(16)
        row = {"id": uuid7(), "token_hash": hashed(token), "purpose": purpose, "expires_at": expires_at}
        for name, value in {**row, "member_id": delivery.member_id, "delivery_id": delivery.id}.items():
            self._columns[name].append(value)
        return token

    def keep(self, db: Session) -> None:
        insert_new(db.connection(), Link.metadata.tables[Link.__tablename__], self._columns, {})
        self._columns = defaultdict(list)


def follow(db: Session, token: str, purpose: str, now: datetime) -> Link | None:
    """The link of this token, if it may still be used for this purpose. Changes nothing."""
    return db.scalars(Link.usable(hashed(token), purpose, now)).first()


def hidden(text: str, public_url: str) -> str:
    """The text with the tokens of our links left out: of staff nobody may act as the member to whom they went."""
    return re.sub(rf"({re.escape(public_url)}/[a-z-]+/)[\w-]+", r"\1…", text)


def end_with(db: Session, enrolment: Enrolment, day: date) -> None:
    """Whoever leaves a group opens nothing of it from this day on, and nothing at all where they are in no other. Nor
    does who is reached for them.

    The way out of mails stays open: a mail lies in a mailbox for longer than its reader is a member.
    """
    ends_at = starts_at(day, time(), enrolment.group.zone)
    elsewhere = Enrolment.current(day).where(
        Enrolment.member_id == enrolment.member_id, Enrolment.group_id != enrolment.group_id
    )
    companions = Member.companions_of([enrolment.member_id]).with_only_columns(Member.id).order_by(None)
    whose = (Link.member_id == enrolment.member_id) | Link.member_id.in_(companions)
    theirs = [whose, Link.purpose != "unsubscribe"]
    if db.scalars(elsewhere.limit(1)).first() is not None:
        here = select(GroupSession.id).where(GroupSession.group_id == enrolment.group_id)
        theirs.append(Link.delivery_id.in_(select(Delivery.id).where(Delivery.group_session_id.in_(here))))
    lasting = Link.expires_at.is_(None) | (Link.expires_at > ends_at)
    db.execute(update(Link).where(*theirs, lasting).values(expires_at=ends_at))


def hashed(token: str) -> bytes:
    return sha256(token.encode()).digest()
