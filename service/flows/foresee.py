"""What would go out if it were another moment, what would not, and why. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.flows import compose
from service.flows.consider import Planned, consider, gather
from service.flows.standing import wants_detail
from service.models import Delivery, Group, GroupSession, Member, Practice
from service.rules.consent import Channel, Refusal
from service.rules.kinds import REMINDERS, Kind
from service.rules.lifecycle import PLAIN_WORDS, State

AHEAD = timedelta(hours=24)


@dataclass(frozen=True)
class Foreseen:
    """One message, and the reason where it would not go."""

    at: datetime
    kind: Kind
    channel: Channel
    member: Member
    group: Group | None
    why: str
    refusal: str | None = None
    in_detail: bool = False
    """Names the group and the place: the member chose it, and it can be said."""


def foresee(db: Session, groups: Iterable[Group], as_of: datetime) -> list[Foreseen]:
    """The day that follows `as_of`, as if it were now: what would go first, then what would not.

    Six queries a group. A member's channels that they did not choose are passed over: nobody waits for those.
    """
    practice = db.scalars(select(Practice)).one()
    listed = list(groups)
    near: list[tuple[Planned, bool]] = []
    for group in listed:
        facts = gather(db, group, practice, as_of)
        chose = {row.id for row in facts.members if wants_detail(row, facts.standings[row.id])}
        near += [(one, one.member.id in chose) for one in consider(facts) if _is_near(one, as_of)]
    known = _known(db, [one.id for one, _ in near])
    found = [
        _of_rule(one, known.get(one.id), in_detail=chose and _is_detailed(db, one, practice)) for one, chose in near
    ]
    found += [_by_hand(row) for row in _without_rule(db, as_of, listed)]
    return sorted(found, key=lambda one: (one.refusal is not None, one.at))


def _is_near(one: Planned, as_of: datetime) -> bool:
    at = min(one.due_at, one.next_at) if one.refusal else one.next_at
    return as_of <= at < as_of + AHEAD and one.refusal is not Refusal.NOT_CHOSEN


def _known(db: Session, ids: Sequence[object]) -> dict[object, Delivery]:
    """Those of them that are planned already, in slices that fit a statement."""
    found: dict[object, Delivery] = {}
    for start in range(0, len(ids), 500):
        query = select(Delivery).where(Delivery.id.in_(ids[start : start + 500]))
        found |= {row.id: row for row in db.scalars(query)}
    return found


def _is_detailed(db: Session, one: Planned, practice: Practice) -> bool:
    """Of who chose it: whether this message is one that says it, and can."""
    if one.channel is not Channel.SMS or one.rule.kind not in REMINDERS:
        return False
    row = Delivery(kind=one.rule.kind, channel=one.channel, member=one.member, group_session=one.group_session)
    return compose.words_of(db, row, practice, one.next_at, in_detail=True).is_detailed


def _of_rule(one: Planned, known: Delivery | None, *, in_detail: bool) -> Foreseen:
    refusal: str | None = one.refusal
    if refusal is None and known is not None and known.state is not State.SCHEDULED:
        refusal = known.reason if known.reason in set(Refusal) else f"it is {PLAIN_WORDS[known.state].lower()} already"
    at = one.due_at if refusal else one.next_at
    group = one.group_session.group
    return Foreseen(at, one.rule.kind, one.channel, one.member, group, one.why, refusal, in_detail)


def _without_rule(db: Session, as_of: datetime, groups: Sequence[Group]) -> Iterable[Delivery]:
    """Invitations, notices and what staff wrote: planned already, and no rule asks for them again."""
    query = (
        select(Delivery)
        .join(GroupSession, GroupSession.id == Delivery.group_session_id, isouter=True)
        .where(
            Delivery.state == State.SCHEDULED,
            Delivery.rule_id.is_(None),
            Delivery.next_at >= as_of,
            Delivery.next_at < as_of + AHEAD,
            Delivery.group_session_id.is_(None) | GroupSession.group_id.in_([group.id for group in groups]),
        )
        .options(joinedload(Delivery.member), joinedload(Delivery.group_session).joinedload(GroupSession.group))
    )
    return db.scalars(query).all()


def _by_hand(row: Delivery) -> Foreseen:
    group = row.group_session.group if row.group_session else None
    return Foreseen(row.next_at, row.kind, row.channel, row.member, group, row.why)
