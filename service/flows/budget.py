"""What the numbers of a few members have had of late and are to have soon: prompts give way to reminders."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import Delivery, Member, Practice
from service.models.bulk import among
from service.rules.caps import Caps
from service.rules.consent import Channel
from service.rules.kinds import NATURES, REMINDERS, Kind
from service.rules.lifecycle import REPORTED, State

COUNTED = tuple(kind for kind, nature in NATURES.items() if nature.is_capped)
WENT_OUT = (*REPORTED, State.SENDING, State.UNKNOWN, State.ASSUMED)
LOOKED_AT = timedelta(days=8)
"""Seven calendar days of any zone lie within."""

WENT = select(Delivery.address_index, Delivery.kind, Delivery.marked_at).where(
    among(Delivery.address_index, "indexes"),
    Delivery.marked_at > bindparam("since"),
    Delivery.state.in_(WENT_OUT),
    Delivery.kind.in_(COUNTED),
)


class Budget:
    """How many more texts the numbers of these members may get. Only texts are counted: for mails nothing is read."""

    def __init__(
        self, db: Session, members: Sequence[Member], practice: Practice, now: datetime, *, with_planned: bool
    ) -> None:
        self._caps = Caps(practice.per_day, practice.per_week)
        self._practice = practice
        self._now = now
        self._db, self._members, self._with_planned = db, members, with_planned

    @cached_property
    def _went(self) -> dict[bytes, list[tuple[Kind, datetime]]]:
        return _went(self._db, self._members, self._now)

    @cached_property
    def _planned(self) -> dict[bytes, list[datetime]]:
        return _planned(self._db, self._members, self._now) if self._with_planned else {}

    def has_room(self, delivery: Delivery) -> bool:
        member, index = delivery.member, delivery.member.mobile_index
        if delivery.channel is not Channel.SMS or index is None or not NATURES[delivery.kind].is_capped:
            return True
        is_reminder = delivery.kind in REMINDERS
        went = [at for kind, at in self._went[index] if kind in REMINDERS or not is_reminder]
        planned = [] if is_reminder else self._planned.get(index, [])
        zone = member.zone or self._practice.zone
        return self._caps.leave_room(went, self._now, zone, planned)

    def take(self, delivery: Delivery) -> None:
        """One more goes out now."""
        index = delivery.member.mobile_index
        if delivery.channel is Channel.SMS and index is not None and NATURES[delivery.kind].is_capped:
            self._went[index].append((delivery.kind, self._now))


def _went(db: Session, members: Sequence[Member], now: datetime) -> dict[bytes, list[tuple[Kind, datetime]]]:
    went: dict[bytes, list[tuple[Kind, datetime]]] = defaultdict(list)
    indexes = {member.mobile_index for member in members if member.mobile_index}
    for index, kind, marked_at in db.execute(WENT, {"indexes": indexes, "since": now - LOOKED_AT}):
        if index is not None and marked_at is not None:
            went[index].append((kind, marked_at))
    return went


def _planned(db: Session, members: Sequence[Member], now: datetime) -> dict[bytes, list[datetime]]:
    """When reminders are still to go to each number."""
    planned: dict[bytes, list[datetime]] = defaultdict(list)
    query = (
        select(Member.mobile_index, Delivery.next_at)
        .join(Member, Member.id == Delivery.member_id)
        .where(
            Delivery.member_id.in_([member.id for member in members]),
            Delivery.channel == Channel.SMS,
            Delivery.state == State.SCHEDULED,
            Delivery.kind.in_(tuple(REMINDERS)),
            Delivery.next_at < now + LOOKED_AT,
        )
    )
    for index, next_at in db.execute(query):
        if index is not None:
            planned[index].append(next_at)
    return planned
