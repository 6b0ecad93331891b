"""Sessions x rules x members: the deliveries that ought to be scheduled, and the ones that no longer ought to.

Called by everything that changes a fact they hang on, in the same transaction, and by the clock as time goes on.
Safe to repeat: a delivery's id is made from what it says, to whom, about which start of which session.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.consider import HORIZON, Facts, Planned, consider, gather
from service.flows.scope import across_groups
from service.models import Delivery, Enrolment, Group, Member, Practice
from service.models.bulk import Columns, insert_new
from service.rules.consent import Refusal
from service.rules.lifecycle import State, may_move

REVIVED = frozenset(
    {
        Refusal.NO_ADDRESS,
        Refusal.NO_CONSENT,
        Refusal.OPTED_OUT,
        Refusal.NOT_SAFE,
        Refusal.MINOR,
        Refusal.NUMBER_DOUBT,
        Refusal.NOT_CHOSEN,
        Refusal.SESSION_CANCELLED,
        Refusal.NOT_ENROLLED,
        Refusal.AWAY,
        Refusal.ANSWERED,
        Refusal.CANNOT_COME,
        Refusal.NOT_THERE,
        Refusal.RULE_OFF,
        Refusal.HALTED,
        Refusal.FLAGGED,
        Refusal.ONE_WAY,
        Refusal.NOT_STAFFED,
        Refusal.SAME_ADDRESS,
    }
)
"""What spoke against a delivery before it was due may cease to: consent comes back, a rule is switched on again."""

SUPPRESSING = frozenset(
    {
        *(Refusal.NO_ADDRESS, Refusal.NO_CONSENT, Refusal.OPTED_OUT),
        *(Refusal.NOT_SAFE, Refusal.MINOR, Refusal.NUMBER_DOUBT, Refusal.HALTED),
    }
)


NEW = {"state": State.SCHEDULED, "fence": 0, "attempts": 0, "looks": 0, "kills": 0}

T = TypeVar("T")
V = TypeVar("V")


@dataclass
class Changes:
    """How many deliveries planning touched."""

    planned: int = 0
    moved: int = 0
    dropped: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.planned + other.planned, self.moved + other.moved, self.dropped + other.dropped)


@across_groups
def plan(db: Session, now: datetime, groups: Iterable[Group] | None = None, member: Member | None = None) -> Changes:
    """Bring the scheduled deliveries of these groups, all of them by default, in line with the facts.

    With `member`, only theirs, and their companions'. What is already in a provider's hands, or may be, is never
    touched.
    """
    practice = db.scalars(select(Practice)).one()
    changes = Changes()
    for group in groups if groups is not None else db.scalars(Group.open()).all():
        facts = gather(db, group, practice, now, member)
        changes += _apply(db, facts, list(consider(facts)))
    return changes


@across_groups
def plan_member(db: Session, member: Member, now: datetime) -> Changes:
    """The same for every group of one member, after something about the member changed."""
    groups = db.scalars(select(Group).join(Enrolment).where(Enrolment.member_id == member.belongs_as).distinct()).all()
    return plan(db, now, groups, member)


@across_groups
def is_in_line(db: Session, group: Group, now: datetime) -> bool:
    """Whether planning this group would change nothing. Only reads."""
    facts = gather(db, group, db.scalars(select(Practice)).one(), now)
    wanted = list(consider(facts))
    return not any(_differences(wanted, _existing(db, facts), now))


def _apply(db: Session, facts: Facts, wanted: list[Planned]) -> Changes:
    new, open_ids = _differences(wanted, _existing(db, facts), facts.now)
    changes = Changes(planned=_insert(db, new))
    by_id = {one.id: one for one in wanted}
    for delivery in _locked(db, open_ids):
        one = by_id.get(delivery.id)
        if one is not None and one.refusal is None:
            changes.moved += _reschedule(db, delivery, one, facts.now)
        else:
            changes.dropped += _drop(db, delivery, one, facts)
    return changes


def _differences(
    wanted: list[Planned], known: Mapping[UUID, Delivery], now: datetime
) -> tuple[list[Planned], list[UUID]]:
    """What is to be added, and which of those that stand are to be looked at again."""
    by_id = {one.id: one for one in wanted}
    return (
        [one for one in wanted if _is_new(one, known, now)],
        [row.id for row in known.values() if _is_open(row, by_id.get(row.id), now)],
    )


def _locked(db: Session, ids: list[UUID]) -> Iterable[Delivery]:
    """Read again under lock: a worker may have marked some since. Only those to change are locked, for workers pass
    by what is locked."""
    if not ids:
        return ()
    query = select(Delivery).where(Delivery.id.in_(ids)).order_by(Delivery.id).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).all()


def _is_open(delivery: Delivery, one: Planned | None, now: datetime) -> bool:
    """Whether planning has anything to say about a delivery that stands already."""
    if one is None or one.refusal is not None:
        return delivery.state is State.SCHEDULED and (one is None or one.refusal is not Refusal.TOO_LATE)
    if delivery.state is State.SCHEDULED:
        return _has_new_hour(delivery, one, now)
    return not delivery.attempts and delivery.reason in REVIVED and may_move(delivery.state, State.SCHEDULED)


def _has_new_hour(delivery: Delivery, one: Planned, now: datetime) -> bool:
    """A delivery whose time has come is left to the sender, unless the rule's own hour moved."""
    if delivery.due_at != one.due_at:
        return True
    time_has_come = min(delivery.due_at, delivery.next_at) <= now
    return not time_has_come and (delivery.next_at, delivery.expires_at) != (one.next_at, one.expires_at)


def _existing(db: Session, facts: Facts) -> dict[UUID, Delivery]:
    query = select(Delivery).where(
        Delivery.group_session_id.in_([group_session.id for group_session in facts.sessions]),
        Delivery.rule_id.is_not(None),
        Delivery.instead_of.is_(None),
        Delivery.member_id.in_([member.id for member in facts.members]),
    )
    return {delivery.id: delivery for delivery in db.scalars(query)}


def _is_new(one: Planned, known: Mapping[UUID, Delivery], now: datetime) -> bool:
    return one.refusal is None and one.id not in known and one.next_at <= now + HORIZON


def _insert(db: Session, wanted: Sequence[Planned]) -> int:
    rules, sessions = [one.rule for one in wanted], [one.group_session for one in wanted]
    columns: Columns = {
        "id": [one.id for one in wanted],
        "kind": _of_each(rules, lambda rule: rule.kind),
        "channel": [one.channel for one in wanted],
        "member_id": [one.member.id for one in wanted],
        "rule_id": _of_each(rules, lambda rule: rule.id),
        "group_session_id": _of_each(sessions, lambda group_session: group_session.id),
        "start_revision": _of_each(sessions, lambda group_session: group_session.start_revision),
        "due_at": [one.due_at for one in wanted],
        "next_at": [one.next_at for one in wanted],
        "expires_at": [one.expires_at for one in wanted],
        "why": [one.why for one in wanted],
    }
    insert_new(db.connection(), Delivery.metadata.tables[Delivery.__tablename__], columns, NEW)
    return len(wanted)


def _of_each(objects: Sequence[T], value: Callable[[T], V]) -> list[V]:
    """Read once of each object: many deliveries come of one rule."""
    known = {one: value(one) for one in set(objects)}
    return [known[one] for one in objects]


def _reschedule(db: Session, delivery: Delivery, one: Planned, now: datetime) -> bool:
    """Give a scheduled delivery its new time, or take up again one that was dropped before it was ever tried."""
    if not _is_open(delivery, one, now):
        return False
    if delivery.state is not State.SCHEDULED:
        delivery.move(db, State.SCHEDULED, now, by="planner")
        delivery.settled_at = None
    delivery.due_at, delivery.next_at, delivery.expires_at = one.due_at, one.next_at, one.expires_at
    delivery.why, delivery.queued_until = one.why, None
    return True


def _drop(db: Session, delivery: Delivery, one: Planned | None, facts: Facts) -> bool:
    """Drop a scheduled delivery that ought not to be. One that is only late stays: the sender knows its deadline."""
    if not _is_open(delivery, one, facts.now):
        return False
    refusal = one.refusal if one is not None and one.refusal else _vanished(delivery, facts)
    to = State.SUPPRESSED if refusal in SUPPRESSING else State.CANCELLED
    return delivery.move(db, to, facts.now, refusal, by="planner")


def _vanished(delivery: Delivery, facts: Facts) -> Refusal:
    """Why a delivery is no longer among those that could be."""
    group_session = next(row for row in facts.sessions if row.id == delivery.group_session_id)
    moved = group_session.start_revision != delivery.start_revision
    return Refusal.SESSION_MOVED if moved else Refusal.RULE_OFF
