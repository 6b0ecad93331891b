"""Sessions x rules x members: the deliveries that ought to be scheduled, and the ones that no longer ought to.

Called by everything that changes a fact they hang on, in the same transaction, and by the clock every five minutes.
Safe to repeat: a delivery's id is made from what it says, to whom, about which start of which session.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.flows.standing import standings
from service.models import Attendance, Delivery, Enrolment, Group, GroupSession, Member, Practice, Rule
from service.models.base import time_ordered_uuid
from service.models.groups import Answer, Came
from service.rules import sentences
from service.rules.consent import Channel, Refusal, Standing
from service.rules.kinds import NATURES, PROMPTS, REMINDERS, Kind, Occasion, expires_at, slot
from service.rules.lifecycle import State, may_move
from service.rules.quiet_hours import Window

HORIZON = timedelta(days=15)
"""So far ahead deliveries are planned; sessions stand twelve weeks ahead."""
LONGEST_LEAD = timedelta(days=14)
BACK = timedelta(days=8)
"""A session's last prompts come within a week after it."""

REVIVED = frozenset(
    {
        Refusal.NO_ADDRESS,
        Refusal.NO_CONSENT,
        Refusal.OPTED_OUT,
        Refusal.NOT_CHOSEN,
        Refusal.SESSION_CANCELLED,
        Refusal.NOT_ENROLLED,
        Refusal.AWAY,
        Refusal.ANSWERED,
        Refusal.CANNOT_COME,
        Refusal.NOT_THERE,
        Refusal.RULE_OFF,
    }
)
"""What spoke against a delivery before it was due may cease to: consent comes back, a rule is switched on again."""

SUPPRESSING = frozenset({Refusal.NO_ADDRESS, Refusal.NO_CONSENT, Refusal.OPTED_OUT})


@dataclass(frozen=True)
class Planned:
    """A delivery as it ought to be, or why it ought not to."""

    id: UUID
    rule: Rule
    group_session: GroupSession
    member: Member
    channel: Channel
    due_at: datetime
    next_at: datetime
    expires_at: datetime
    why: str
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Facts:
    """Everything about one group that planning hangs on."""

    group: Group
    rules: tuple[Rule, ...]
    sessions: tuple[GroupSession, ...]
    enrolments: Mapping[UUID, tuple[Enrolment, ...]]
    members: tuple[Member, ...]
    standings: Mapping[UUID, Standing]
    attendance: Mapping[tuple[UUID, UUID], Attendance]
    practice: Practice
    now: datetime


@dataclass
class Changes:
    """How many deliveries planning touched."""

    planned: int = 0
    moved: int = 0
    dropped: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.planned + other.planned, self.moved + other.moved, self.dropped + other.dropped)


def plan(db: Session, now: datetime, groups: Iterable[Group] | None = None, member: Member | None = None) -> Changes:
    """Bring the scheduled deliveries of these groups, all of them by default, in line with the facts.

    With `member`, only theirs. What is already in a provider's hands, or may be, is never touched.
    """
    practice = db.scalars(select(Practice)).one()
    changes = Changes()
    for group in groups if groups is not None else db.scalars(Group.open()).all():
        facts = gather(db, group, practice, now, member)
        changes += _apply(db, facts, list(consider(facts)))
    return changes


def plan_member(db: Session, member: Member, now: datetime) -> Changes:
    """The same for every group of one member, after something about the member changed."""
    groups = db.scalars(select(Group).join(Enrolment).where(Enrolment.member_id == member.id).distinct()).all()
    return plan(db, now, groups, member)


def gather(db: Session, group: Group, practice: Practice, now: datetime, member: Member | None = None) -> Facts:
    """Read the facts of one group, or of one member in it: six queries, whatever their size."""
    sessions = db.scalars(_sessions(group, now)).all()
    enrolments: dict[UUID, list[Enrolment]] = defaultdict(list)
    for enrolment in db.scalars(Enrolment.of_group(group.id)):
        if member is None or enrolment.member_id == member.id:
            enrolments[enrolment.member_id].append(enrolment)
    members = db.scalars(select(Member).where(Member.id.in_(enrolments))).all()
    attendance = db.scalars(Attendance.of([group_session.id for group_session in sessions])).all()
    return Facts(
        group=group,
        rules=tuple(db.scalars(select(Rule).where(Rule.group_id == group.id).order_by(Rule.position))),
        sessions=tuple(sessions),
        enrolments={member_id: tuple(rows) for member_id, rows in enrolments.items()},
        members=tuple(members),
        standings=standings(db, members),
        attendance={(row.group_session_id, row.member_id): row for row in attendance},
        practice=practice,
        now=now,
    )


def _sessions(group: Group, now: datetime) -> Select[GroupSession]:
    """Those near enough to be planned, and those that were moved out of sight and still have something planned."""
    is_planned = exists().where(Delivery.group_session_id == GroupSession.id, Delivery.state == State.SCHEDULED)
    is_near = GroupSession.starts_at < now + HORIZON + LONGEST_LEAD
    return (
        select(GroupSession)
        .where(GroupSession.group_id == group.id, GroupSession.starts_at >= now - BACK, is_near | is_planned)
        .order_by(GroupSession.starts_at, GroupSession.id)
    )


def consider(facts: Facts) -> Iterator[Planned]:
    """Each delivery that could be, with the reason where it ought not to be."""
    for position, group_session in enumerate(facts.sessions):
        following = next((later for later in facts.sessions[position + 1 :] if not later.is_cancelled), None)
        for member in facts.members:
            for channel in Channel:
                yield from _of_one(facts, group_session, following, member, channel)


def window(practice: Practice, group_zone: str, member: Member) -> Window:
    """When messages may reach the member: on their own clock, or on every clock that may be theirs."""
    names = (member.time_zone,) if member.time_zone else (*member.number_zones, group_zone)
    return Window(practice.opens, practice.closes, tuple(ZoneInfo(name) for name in dict.fromkeys(names) if name))


def delivery_id(moment: datetime, *parts: object) -> UUID:
    """The id of the one delivery that these parts speak of. It sorts by `moment`, the start of the session."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=10).digest()
    return time_ordered_uuid(int(moment.timestamp() * 1000), int.from_bytes(digest, "big"))


def _of_one(
    facts: Facts, group_session: GroupSession, following: GroupSession | None, member: Member, channel: Channel
) -> Iterator[Planned]:
    """The deliveries of one session to one member on one channel. Of reminders whose time has passed only the last."""
    occasion = Occasion(
        starts_at=group_session.starts_at,
        ends_at=group_session.ends_at,
        window=window(facts.practice, facts.group.time_zone, member),
        known_from=facts.now,
        next_starts_at=following.starts_at if following else None,
    )
    due = sorted(
        (
            (rule.timing.due_at(group_session.starts_at, group_session.ends_at, facts.group.zone), rule)
            for rule in facts.rules
        ),
        key=lambda pair: pair[0],
    )
    for position, (due_at, rule) in enumerate(due):
        refusal = _refusal(facts, rule, group_session, member, channel)
        later = [at for at, other in due[position + 1 :] if _supersedes(other, rule, member, channel) and at > due_at]
        yield _planned(facts, rule, group_session, member, channel, due_at, occasion, refusal, min(later, default=None))


def _supersedes(other: Rule, rule: Rule, member: Member, channel: Channel) -> bool:
    """Whether a later reminder takes the place of an earlier one. One that goes to others, or elsewhere, does not."""
    both_remind = rule.kind in REMINDERS and other.kind in REMINDERS
    return both_remind and other.is_on and channel in other.via.channels(member.choice)


def _planned(  # noqa: PLR0913  one delivery's facts, side by side
    facts: Facts,
    rule: Rule,
    group_session: GroupSession,
    member: Member,
    channel: Channel,
    due_at: datetime,
    occasion: Occasion,
    refusal: Refusal | None,
    succeeded_at: datetime | None,
) -> Planned:
    where = slot(rule.kind, due_at, occasion)
    send_at = where.send_at or due_at
    ends = expires_at(rule.kind, send_at, group_session.starts_at)
    if succeeded_at is not None and send_at < succeeded_at < ends:
        ends = succeeded_at
    too_late = where.send_at is None or ends <= facts.now or (succeeded_at is not None and succeeded_at <= facts.now)
    late = due_at < facts.now and where.send_at is not None
    return Planned(
        id=delivery_id(
            group_session.starts_at, rule.id, group_session.id, group_session.start_revision, member.id, channel
        ),
        rule=rule,
        group_session=group_session,
        member=member,
        channel=channel,
        due_at=due_at.astimezone(UTC),
        next_at=send_at,
        expires_at=ends,
        why=sentences.timing(rule.timing)
        + (", its time had passed" if late else sentences.MOVED_BY.get(where.action, "")),
        refusal=refusal or (Refusal.TOO_LATE if too_late else None),
    )


def _refusal(facts: Facts, rule: Rule, group_session: GroupSession, member: Member, channel: Channel) -> Refusal | None:
    if not rule.is_on or facts.group.closed_at is not None:
        return Refusal.RULE_OFF
    if group_session.is_cancelled:
        return Refusal.SESSION_CANCELLED
    if channel not in rule.via.channels(member.choice):
        return Refusal.NOT_CHOSEN
    membership = membership_refusal(facts.enrolments.get(member.id, ()), group_session, facts.group)
    if membership:
        return membership
    purpose = NATURES[rule.kind].purpose
    refusal = purpose and facts.standings[member.id].refusal(channel, purpose, member.address_index(channel))
    return refusal or answer_refusal(rule, group_session, facts.attendance.get((group_session.id, member.id)))


def membership_refusal(enrolments: Iterable[Enrolment], group_session: GroupSession, group: Group) -> Refusal | None:
    """Why the member is not expected at the session, or None."""
    day = group_session.starts_at.astimezone(group.zone).date()
    enrolments = list(enrolments)
    if any(enrolment.covers(day) for enrolment in enrolments):
        return None
    there = any(
        enrolment.joined_on <= day and (enrolment.left_on is None or day < enrolment.left_on)
        for enrolment in enrolments
    )
    return Refusal.AWAY if there else Refusal.NOT_ENROLLED


def answer_refusal(rule: Rule, group_session: GroupSession, said: Attendance | None) -> Refusal | None:
    """Why what the member said or did about this session makes the message needless, or None."""
    if said is None:
        return None
    if rule.kind in PROMPTS:
        missed = said.came in (Came.ABSENT, Came.EXCUSED)
        return Refusal.NOT_THERE if missed or (said.answer is Answer.CANNOT and said.came is None) else None
    if said.answer is None or said.start_revision != group_session.start_revision:
        return None
    if said.answer is Answer.CANNOT:
        return Refusal.CANNOT_COME
    return Refusal.ANSWERED if rule.stop_if_answered else None


def _apply(db: Session, facts: Facts, wanted: list[Planned]) -> Changes:
    known = _existing(db, facts)
    changes = Changes(planned=_insert(db, [one for one in wanted if _is_new(one, known, facts.now)]))
    by_id = {one.id: one for one in wanted}
    for delivery in _locked(db, [row.id for row in known.values() if _is_open(row, by_id.get(row.id), facts.now)]):
        one = by_id.get(delivery.id)
        if one is not None and one.refusal is None:
            changes.moved += _reschedule(db, delivery, one, facts.now)
        else:
            changes.dropped += _drop(db, delivery, one, facts)
    return changes


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
        Delivery.member_id.in_([member.id for member in facts.members]),
    )
    return {delivery.id: delivery for delivery in db.scalars(query)}


def _is_new(one: Planned, known: Mapping[UUID, Delivery], now: datetime) -> bool:
    return one.refusal is None and one.id not in known and one.next_at <= now + HORIZON


def _insert(db: Session, wanted: list[Planned]) -> int:
    rows = [
        {
            "id": one.id,
            "kind": one.rule.kind,
            "channel": one.channel,
            "member_id": one.member.id,
            "rule_id": one.rule.id,
            "group_session_id": one.group_session.id,
            "start_revision": one.group_session.start_revision,
            "due_at": one.due_at,
            "next_at": one.next_at,
            "expires_at": one.expires_at,
            "why": one.why,
            "state": State.SCHEDULED,
            "fence": 0,
            "attempts": 0,
            "looks": 0,
        }
        for one in wanted
    ]
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(rows), 500):
        db.execute(insert(Delivery).values(rows[start : start + 500]).on_conflict_do_nothing())
    return len(rows)


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


__all__ = [
    "Changes",
    "Kind",
    "Planned",
    "answer_refusal",
    "consider",
    "delivery_id",
    "gather",
    "membership_refusal",
    "plan",
    "plan_member",
    "window",
]
