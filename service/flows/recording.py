"""What the providers said of the messages of a group is written down, in the transaction that the door opened."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from logging import getLogger
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels import AddressRefused, ChannelDown, NotAccepted, Receipt, Refused
from service.failpoints import reach
from service.flows.fall_back import fall_back
from service.flows.pace import heard_from
from service.flows.post import Answered, Outcome, Post, Sending
from service.flows.suppress import suppress
from service.models import Delivery
from service.models.bulk import among
from service.rules.lifecycle import State

log = getLogger(__name__)

OPEN = frozenset({State.SENDING, State.UNKNOWN})
LINES = (
    select(Delivery.id, Delivery.state, Delivery.fence, Delivery.provider_id)
    .where(among(Delivery.id, "ids"))
    .order_by(Delivery.id)
    .with_for_update()
)


@dataclass(frozen=True)
class _Line:
    """What stands in the database of one delivery, as far as a record needs it."""

    state: State
    fence: int
    provider_id: str | None


def record(db: Session, answered: Sequence[Answered], post: Post) -> Counter[State]:
    """Write down what the provider said of each. One that was settled or marked again meanwhile keeps its state."""
    reach("before_record")
    now = post.clock()
    lines = _locked(db, [sending.delivery_id for sending, _ in answered])
    taken, others = _sorted(answered, lines)
    moves = {one: {"provider_id": name or None, "accepted_at": now} for one, name in taken.items()}
    Delivery.move_all(db, moves, State.ACCEPTED, now, by="worker")
    outcomes = Counter({State.ACCEPTED: len(taken)}) if taken else Counter()
    for sending, outcome in others:
        delivery = db.get_one(Delivery, sending.delivery_id)
        _record_one(db, delivery, sending, outcome, post)
        outcomes[delivery.state] += 1
    for channel in sorted({sending.channel for sending, _ in answered}):
        heard_from(db, channel, post.lately.news(channel, answered), post, now)
    return outcomes


def suppress_refused(answered: Sequence[Answered], post: Post) -> None:
    """Addresses that the provider refuses for good are written to no more: a transaction each, so that no two workers
    wait for each other's members."""
    for sending, outcome in answered:
        if not isinstance(outcome, AddressRefused):
            continue
        with post.open_db() as db:
            index = db.scalars(select(Delivery.address_index).where(Delivery.id == sending.delivery_id)).one()
            if index is not None:
                suppress(db, sending.channel, index, f"provider: {outcome}", post.clock())


def _locked(db: Session, ids: Sequence[UUID]) -> Mapping[UUID, _Line]:
    rows = db.execute(LINES, {"ids": ids})
    return {row.id: _Line(row.state, row.fence, row.provider_id) for row in rows}


def _sorted(answered: Sequence[Answered], lines: Mapping[UUID, _Line]) -> tuple[dict[UUID, str], list[Answered]]:
    """Those that were simply taken over, by the provider's name; and all that need a closer look."""
    taken: dict[UUID, str] = {}
    others = []
    for sending, outcome in answered:
        line = lines[sending.delivery_id]
        is_ours = line.fence == sending.fence and line.state in OPEN and line.provider_id is None
        if is_ours and isinstance(outcome, Receipt) and sending.delivery_id not in taken:
            taken[sending.delivery_id] = outcome.provider_id
        else:
            others.append((sending, outcome))
    return taken, others


def _record_one(db: Session, delivery: Delivery, sending: Sending, outcome: Outcome, post: Post) -> None:
    now = post.clock()
    if isinstance(outcome, Receipt) and delivery.provider_id is None:
        delivery.provider_id, delivery.accepted_at = outcome.provider_id or None, now
    if isinstance(outcome, Receipt) and delivery.provider_id != (outcome.provider_id or None):
        log.error("delivery %s: a second message of it exists at the provider", delivery.id)
        Delivery.note_stranger(db, delivery.id, State.ACCEPTED, now, f"a second message: {outcome.provider_id}")
    if delivery.fence == sending.fence and delivery.state in OPEN:
        _move(db, delivery, outcome, post, now)


def _move(db: Session, delivery: Delivery, outcome: Outcome, post: Post, now: datetime) -> None:
    reason = None if isinstance(outcome, Receipt) else str(outcome)
    match outcome:
        case Receipt():
            delivery.move(db, State.ACCEPTED, now, by="worker")
        case NotAccepted():
            _try_later(db, delivery, outcome, post, now)
        case ChannelDown():
            delivery.move(db, State.SCHEDULED, now, reason, by="worker")
            delivery.next_at = now + post.clock.lasting(post.patience.down_for)
        case AddressRefused():
            delivery.move(db, State.SUPPRESSED, now, reason, by="worker")
        case Refused():
            delivery.move(db, State.DEAD, now, reason, by="worker")
            fall_back(db, delivery, now)
        case _:  # anything else is a question, never a second message
            delivery.move(db, State.UNKNOWN, now, reason, by="worker")
    if outcome_code := _code(reason):
        delivery.error_code = outcome_code


def _try_later(db: Session, delivery: Delivery, failure: NotAccepted, post: Post, now: datetime) -> None:
    spread = delivery.id.int % 1000 / 1000
    pause_for = post.patience.pause_after(delivery.attempts, failure.retry_after, spread)
    delivery.move(db, State.SCHEDULED, now, str(failure), by="worker")
    delivery.next_at = now + post.clock.lasting(pause_for.total_seconds())


def _code(reason: str | None) -> str | None:
    last = (reason or "").rpartition(" ")[2]
    return last if last.isdecimal() else None
