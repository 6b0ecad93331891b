"""An answer to a check-in is kept, and read for one thing: whether somebody should be told where help is."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.converse import PROMPT_OPEN
from service.models import CheckIn, Delivery, Reply
from service.rules.kinds import Kind

LOW = 2
"""Of 10. So low a check-in is answered with where help is, and nothing about the number."""
DROP = 4
FEWEST = 4
"""Fewer answers than this are no trend, and are not drawn as one."""


def keep_answer(db: Session, asked: Delivery, reply: Reply, answer: str, now: datetime) -> None:
    """One for each question: the last one counts."""
    assert asked.marked_at is not None, "what went out was marked"
    row = db.scalars(select(CheckIn).where(CheckIn.delivery_id == asked.id)).first()
    if row is None:
        row = CheckIn(member_id=asked.member_id, delivery_id=asked.id, kind=asked.kind.value, asked_at=asked.marked_at)
        db.add(row)
    row.reply_id, row.answered_at, row.answer = reply.id, now, answer
    row.is_late = now - asked.marked_at > PROMPT_OPEN
    reply.member_id = asked.member_id
    db.flush()


def is_low(db: Session, asked: Delivery, score: Decimal) -> bool:
    """Low, or far lower than the last time."""
    query = CheckIn.of(asked.member_id, Kind.CHECKIN).where(CheckIn.asked_at < asked.marked_at)
    earlier = [number for row in db.scalars(query) if (number := as_number(row.answer)) is not None]
    return score <= LOW or (bool(earlier) and earlier[-1] - score >= DROP)


def trend(db: Session, member_id: UUID) -> list[CheckIn]:
    """The answers to draw, the oldest first; none while they are too few."""
    rows = [row for row in db.scalars(CheckIn.of(member_id, Kind.CHECKIN)) if as_number(row.answer) is not None]
    return rows if len(rows) >= FEWEST else []


def as_number(answer: str) -> Decimal | None:
    """None where the key that opens it is missing."""
    try:
        return Decimal(answer)
    except InvalidOperation:
        return None
