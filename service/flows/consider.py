"""What every group's rules ask for, delivery by delivery, and the reason where one ought not to go."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from service.flows.companions import ReachedFor
from service.flows.standing import held, standings
from service.flows.timetable import Entry, Timetable
from service.models import Attendance, Contact, Delivery, Enrolment, Group, GroupSession, Member, Practice, Rule
from service.models.base import time_ordered_uuid
from service.models.groups import Answer, Came, Safety
from service.rules.consent import Channel, Refusal, Standing
from service.rules.escalation import NEEDED_TO_ASK, NEEDED_TO_STAFF, TEST_HOLDS
from service.rules.kinds import NATURES, PROMPTS, REMINDERS, Kind
from service.rules.lifecycle import State
from service.rules.quiet_hours import Window
from service.rules.zones import known_zone

HORIZON = timedelta(days=15)
"""So far ahead deliveries are planned; sessions stand twelve weeks ahead."""
LONGEST_LEAD = timedelta(days=14)
BACK = timedelta(days=8)
"""A session's last prompts come within a week after it."""


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
    held: frozenset[UUID]
    """Members whose prompts wait for a flag to be closed."""
    is_watched: bool
    """Whether as many of those on call were reached of late as the way in which the group is watched asks for."""
    practice: Practice
    now: datetime

    @cached_property
    def reached_for(self) -> Mapping[UUID, ReachedFor]:
        """Whose companions are among the members, too."""
        return {member.id: ReachedFor(member, self.standings[member.id]) for member in self.members}


@dataclass(frozen=True)
class _Case:
    """One session and one member: what each rule is looked at for, on each channel."""

    facts: Facts
    timetable: Timetable
    member: Member
    window: Window

    @property
    def group_session(self) -> GroupSession:
        return self.timetable.group_session

    @cached_property
    def membership(self) -> Refusal | None:
        enrolments = self.facts.enrolments.get(self.member.belongs_as, ())
        return membership_refusal(enrolments, self.group_session, self.facts.group)


def gather(db: Session, group: Group, practice: Practice, now: datetime, member: Member | None = None) -> Facts:
    """Read the facts of one group, or of one member, with companions: seven queries, whatever their size."""
    sessions = db.scalars(_sessions(group, now)).all()
    enrolments: dict[UUID, list[Enrolment]] = defaultdict(list)
    for enrolment in db.scalars(Enrolment.of_group(group.id)):
        if member is None or enrolment.member_id == member.belongs_as:
            enrolments[enrolment.member_id].append(enrolment)
    belong = Member.id.in_(enrolments) | Member.reached_for_id.in_(enrolments)
    members = db.scalars(select(Member).where(belong)).all()
    attendance = db.scalars(Attendance.of([group_session.id for group_session in sessions])).all()
    return Facts(
        group=group,
        rules=tuple(db.scalars(select(Rule).where(Rule.group_id == group.id).order_by(Rule.position))),
        sessions=tuple(sessions),
        enrolments={member_id: tuple(rows) for member_id, rows in enrolments.items()},
        members=tuple(members),
        standings=standings(db, members),
        attendance={(row.group_session_id, row.member_id): row for row in attendance},
        held=held(db, members, now),
        is_watched=_is_watched(db, group, now),
        practice=practice,
        now=now,
    )


def _is_watched(db: Session, group: Group, now: datetime) -> bool:
    needed = NEEDED_TO_STAFF if group.safety is Safety.STAFFED else _needed_to_ask(db)
    return not needed or len(db.scalars(Contact.reached_since(now - TEST_HOLDS)).all()) >= needed


def _needed_to_ask(db: Session) -> int:
    """Practice mode reaches nobody: a newcomer tries it with nobody on call."""
    return NEEDED_TO_ASK if db.get_bind().get_execution_options().get("is_live") else 0


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
    windows = [window(facts.practice, facts.group.time_zone, member) for member in facts.members]
    for position, group_session in enumerate(facts.sessions):
        following = next((later.starts_at for later in facts.sessions[position + 1 :] if not later.is_cancelled), None)
        timetable = Timetable(group_session, following, facts.rules, facts.group.zone, facts.now)
        for member, its in zip(facts.members, windows, strict=True):
            yield from _of_one(_Case(facts, timetable, member, its))


def window(practice: Practice, group_zone: str, member: Member) -> Window:
    """When messages may reach the member: on their own clock, or on every clock that may be theirs. Hours that they
    named as safe are kept to, also where the practice has changed its own since."""
    own = (member.zone,) if member.zone else map(known_zone, (*member.number_zones, group_zone))
    zones = tuple(dict.fromkeys(zone for zone in own if zone)) or (practice.zone,)
    opens, closes = practice.opens, practice.closes
    if member.safe_from is not None and member.safe_until is not None:
        opens, closes = max(opens, member.safe_from), min(closes, member.safe_until)
        if opens >= closes:
            opens, closes = member.safe_from, member.safe_until
    return Window(opens, closes, zones)


def delivery_id(moment: datetime, *parts: object) -> UUID:
    """The id of the one delivery that these parts speak of. It sorts by `moment`, the start of the session."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=10).digest()
    return time_ordered_uuid(int(moment.timestamp() * 1000), int.from_bytes(digest, "big"))


def _of_one(case: _Case) -> Iterator[Planned]:
    """The deliveries of one session to one member."""
    member = case.member
    for channel in Channel:
        for entry in case.timetable.entries(channel, member.choice, case.window):
            if entry.rule.kind in REMINDERS or not member.is_companion:
                yield _planned(case, channel, entry)


def _planned(case: _Case, channel: Channel, entry: Entry) -> Planned:
    return Planned(
        id=delivery_id(case.group_session.starts_at, entry.about, case.member.id, channel),
        rule=entry.rule,
        group_session=case.group_session,
        member=case.member,
        channel=channel,
        due_at=entry.due_at,
        next_at=entry.next_at,
        expires_at=entry.expires_at,
        why=entry.why,
        refusal=_refusal(case, channel, entry) or (Refusal.TOO_LATE if entry.is_too_late else None),
    )


def _refusal(case: _Case, channel: Channel, entry: Entry) -> Refusal | None:
    facts, group_session, member, rule = case.facts, case.group_session, case.member, entry.rule
    if not rule.is_on or facts.group.closed_at is not None:
        return Refusal.RULE_OFF
    if group_session.is_cancelled:
        return Refusal.SESSION_CANCELLED
    if member.stopped_at is not None:
        return Refusal.HALTED
    if rule.kind in PROMPTS and (waits := _prompt_refusal(case, rule.kind)):
        return waits
    if not entry.is_chosen:
        return Refusal.NOT_CHOSEN
    if case.membership:
        return case.membership
    purpose = NATURES[rule.kind].purpose
    refusal = purpose and facts.standings[member.id].refusal(channel, purpose, member.address_index(channel))
    if member.reached_for_id is not None:
        return refusal or facts.reached_for[member.reached_for_id].hindrance(member, channel)
    return refusal or answer_refusal(rule, group_session, facts.attendance.get((group_session.id, member.id)))


def _prompt_refusal(case: _Case, kind: Kind) -> Refusal | None:
    """Why nobody is asked for words of their own: nobody would be there to read them. A group that is not watched
    goes on being asked for a number."""
    safety = case.facts.group.safety
    if safety is Safety.ONE_WAY:
        return Refusal.ONE_WAY
    if not case.facts.is_watched and (safety is Safety.STAFFED or kind is Kind.REFLECTION):
        return Refusal.NOT_STAFFED
    return Refusal.FLAGGED if case.member.id in case.facts.held else None


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
