"""A provider reports what became of a message: in any order, late, twice, or before our own record of the sending."""

from datetime import datetime
from logging import getLogger
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.suppress import suppress
from service.models import Delivery
from service.rules.consent import Channel
from service.rules.lifecycle import State

log = getLogger(__name__)

FINAL = frozenset({State.DELIVERED, State.UNDELIVERED})
LAST_WORD = {Channel.SMS: State.DELIVERED, Channel.EMAIL: State.UNDELIVERED}
"""A text that arrived has arrived; a mail can bounce after it was delivered."""


def settle(
    db: Session,
    delivery_id: UUID,
    reported: State,
    now: datetime,
    *,
    provider_id: str = "",
    code: str | None = None,
    opted_out: bool = False,
) -> bool:
    """Apply one report. Returns whether it moved anything: a report that comes late or twice does not.

    `opted_out`: the report says that the address must not be written to again.
    """
    delivery = db.scalars(select(Delivery).where(Delivery.id == delivery_id).with_for_update()).first()
    if delivery is None:
        log.warning("report on delivery %s, which we do not know", delivery_id)
        return False
    if provider_id and delivery.provider_id is None:
        delivery.provider_id = provider_id
    if provider_id and delivery.provider_id != provider_id:
        log.error("delivery %s: a second message of it exists at the provider", delivery_id)
        return False
    moved = delivery.state is not LAST_WORD[delivery.channel] and delivery.move(db, reported, now, by="callback")
    if moved:
        _note(delivery, reported, now, code)
    if opted_out and delivery.address_index is not None:
        suppress(db, delivery.channel, delivery.address_index, f"provider: {code or 'opted out'}", now)
    return moved


def _note(delivery: Delivery, reported: State, now: datetime, code: str | None) -> None:
    delivery.accepted_at = delivery.accepted_at or now
    delivery.lease_until = None
    if reported in FINAL:
        delivery.settled_at = now
    if reported is State.UNDELIVERED:
        delivery.error_code, delivery.reason = code, f"code {code}" if code else "not delivered"
