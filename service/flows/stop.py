"""Staff stop a message that has not left. Planning does not bring it back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Delivery
from service.rules.consent import Refusal
from service.rules.lifecycle import State


def waiting(db: Session, delivery_id: UUID) -> Delivery | None:
    """The delivery under lock, or None: it has left by now, or is no more to go."""
    query = select(Delivery).where(Delivery.id == delivery_id, Delivery.state == State.SCHEDULED).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).first()


def stop(db: Session, delivery: Delivery, now: datetime) -> bool:
    """Stop one message, once and for all. Returns whether it was still here."""
    delivery.settled_at = now
    return delivery.move(db, State.CANCELLED, now, Refusal.STOPPED, by="staff")
