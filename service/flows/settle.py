"""A provider reports what became of a message: in any order, late, twice, or before our own record of the sending."""

from dataclasses import dataclass
from datetime import datetime
from logging import getLogger
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import blank
from service.flows.calls import hear
from service.flows.fall_back import fall_back
from service.flows.suppress import suppress
from service.models import Delivery
from service.rules.consent import Channel
from service.rules.lifecycle import REPORTED, State

log = getLogger(__name__)

FINAL = frozenset({State.DELIVERED, State.UNDELIVERED})
SECOND = "a second message:"
LAST_WORD = {Channel.SMS: State.DELIVERED, Channel.EMAIL: State.UNDELIVERED}
"""A text that arrived has arrived; a mail can bounce after it was delivered."""


@dataclass(frozen=True)
class Report:
    """A provider's word on one delivery."""

    delivery_id: UUID
    state: State
    provider_id: str = ""
    code: str | None = None
    opted_out: bool = False
    """The address must not be written to again."""


def settle(db: Session, report: Report, now: datetime) -> bool:
    """Apply one report. Returns whether it moved anything: a report that comes late or twice does not."""
    delivery = db.scalars(select(Delivery).where(Delivery.id == report.delivery_id).with_for_update()).first()
    if delivery is None:
        _hear_of_another(db, report, now)
        return False
    if not delivery.attempts and delivery.state not in REPORTED:
        log.error("report on delivery %s, which was never sent", delivery.id)
        return False
    if report.provider_id and not _is_named(db, delivery, report.provider_id, now):
        log.error("delivery %s: a second message of it exists at the provider", delivery.id)
        Delivery.note_stranger(db, delivery.id, report.state, now, f"{SECOND} {report.provider_id}")
        return False
    moved = delivery.state is not LAST_WORD[delivery.channel] and delivery.move(db, report.state, now, by="callback")
    if moved:
        _note(delivery, report, now)
    if moved and report.state is State.UNDELIVERED and not report.opted_out:
        fall_back(db, delivery, now)
    if report.opted_out and delivery.address_index is not None:
        suppress(db, delivery.channel, delivery.address_index, f"provider: {report.code or 'opted out'}", now)
    return moved


def _is_named(db: Session, delivery: Delivery, provider_id: str, now: datetime) -> bool:
    """Whether the provider calls the delivery so. The first name that is heard is its name."""
    if delivery.provider_id != provider_id:
        blank.note_late(db, delivery, provider_id, now)
    delivery.provider_id = delivery.provider_id or provider_id
    return delivery.provider_id == provider_id


def _hear_of_another(db: Session, report: Report, now: datetime) -> None:
    """A page to staff, or a message that we do not know."""
    if not hear(db, report.delivery_id, report, now):
        log.warning("report on delivery %s, which we do not know", report.delivery_id)
        Delivery.note_stranger(db, report.delivery_id, report.state, now, f"not ours: {report.provider_id}")


def _note(delivery: Delivery, report: Report, now: datetime) -> None:
    delivery.accepted_at = delivery.accepted_at or now
    delivery.lease_until = None
    if report.state in FINAL:
        delivery.settled_at = now
    delivery.error_code = report.code if report.state is State.UNDELIVERED else None
    if report.state is State.UNDELIVERED:
        delivery.reason = f"code {report.code}" if report.code else "not delivered"
