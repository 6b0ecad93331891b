"""How a group goes: what its members answered, session by session, and who came."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from statistics import median
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.flows.check_in import FEWEST, as_number
from service.flows.converse import PROMPT_OPEN, PROMPTS, WENT_OUT
from service.models import Attendance, CheckIn, Delivery, Enrolment, Group, GroupSession, Member, Reply
from service.models.groups import Came, SessionState
from service.rules.kinds import Kind
from service.rules.understanding import Meaning

SHOWN = 12
"""Sessions, the latest ones."""


@dataclass
class Meeting:
    """One session that was: what was answered about it, and who came."""

    group_session: GroupSession
    expected: int = 0
    scores: dict[UUID, Decimal] = field(default_factory=dict)
    goals: Counter[str] = field(default_factory=Counter)
    came: Counter[Came] = field(default_factory=Counter)

    @property
    def median(self) -> Decimal | None:
        """None while so few answered that it would say what one of them did."""
        return median(self.scores.values()) if len(self.scores) >= FEWEST else None

    @property
    def there(self) -> int:
        return self.came[Came.CAME] + self.came[Came.LATE]

    @property
    def not_noted(self) -> int:
        return max(0, self.expected - self.came.total())


@dataclass(frozen=True)
class Prompted:
    """How many questions of one kind went out, and how many were answered."""

    kind: Kind
    asked: int
    answered: int


@dataclass(frozen=True)
class Trends:
    """The oldest session first. `scores` of a member: one for each session, None where there is none."""

    meetings: Sequence[Meeting]
    members: Sequence[tuple[Member, Sequence[Decimal | None]]]
    prompts: Sequence[Prompted]

    @property
    def has_scores(self) -> bool:
        return any(meeting.scores for meeting in self.meetings)

    @property
    def came(self) -> Counter[Came]:
        return sum((meeting.came for meeting in self.meetings), Counter[Came]())


def trends(db: Session, group: Group, now: datetime) -> Trends:
    """Of the latest sessions. What members answered is there only as far as the session's scope goes."""
    meetings = {row.id: Meeting(row) for row in reversed(db.scalars(_past(group, now)).all())}
    sent = db.scalars(
        select(Delivery).where(
            Delivery.group_session_id.in_(meetings), Delivery.kind.in_(PROMPTS), Delivery.state.in_(WENT_OUT)
        )
    ).all()
    answers = db.scalars(select(CheckIn).where(CheckIn.delivery_id.in_([row.id for row in sent]))).all()
    _add_answers(meetings, sent, answers)
    _add_presence(db, group, meetings)
    asked, answered = Counter(row.kind for row in sent), Counter(Kind(row.kind) for row in answers)
    answered[Kind.REFLECTION] = _reflected(db, [row for row in sent if row.kind is Kind.REFLECTION])
    prompts = [Prompted(kind, asked[kind], answered[kind]) for kind in PROMPTS if asked[kind]]
    return Trends(list(meetings.values()), _members(db, group, list(meetings.values()), now), prompts)


def _past(group: Group, now: datetime) -> Select[GroupSession]:
    """The latest first."""
    return (
        select(GroupSession)
        .where(
            GroupSession.group_id == group.id, GroupSession.ends_at <= now, GroupSession.state == SessionState.PLANNED
        )
        .order_by(GroupSession.starts_at.desc(), GroupSession.id)
        .limit(SHOWN)
    )


def _add_answers(meetings: Mapping[UUID, Meeting], sent: Sequence[Delivery], answers: Sequence[CheckIn]) -> None:
    about = {row.id: row.group_session_id for row in sent}
    for row in answers:
        session_id = about[row.delivery_id]
        assert session_id is not None, "it was looked for by its session"
        if row.kind == Kind.GOAL:
            meetings[session_id].goals[row.answer] += 1
        elif (score := as_number(row.answer)) is not None:
            meetings[session_id].scores[row.member_id] = score


def _add_presence(db: Session, group: Group, meetings: Mapping[UUID, Meeting]) -> None:
    enrolments = db.scalars(Enrolment.of_group(group.id)).all()
    for meeting in meetings.values():
        day = meeting.group_session.starts_at.astimezone(group.zone).date()
        meeting.expected = len({row.member_id for row in enrolments if row.covers(day)})
    for row in db.scalars(Attendance.of(list(meetings))):
        if row.came is not None:
            meetings[row.group_session_id].came[row.came] += 1


def _reflected(db: Session, sent: Sequence[Delivery]) -> int:
    """How many were followed by words of the member, while they were open."""
    wrote: dict[UUID | None, list[datetime]] = defaultdict(list)
    columns = select(Reply.member_id, Reply.received_at).where(
        Reply.member_id.in_({row.member_id for row in sent}), Reply.meaning == Meaning.WORDS
    )
    for member_id, at in db.execute(columns):
        wrote[member_id].append(at)
    asked = [(row.member_id, row.marked_at) for row in sent if row.marked_at is not None]
    return sum(any(since <= at <= since + PROMPT_OPEN for at in wrote[who]) for who, since in asked)


def _members(
    db: Session, group: Group, meetings: Sequence[Meeting], now: datetime
) -> list[tuple[Member, list[Decimal | None]]]:
    """Those who belong today, by name."""
    current = db.scalars(Enrolment.current(now.astimezone(group.zone).date()).where(Enrolment.group_id == group.id))
    everyone = sorted({row.member for row in current}, key=lambda member: (member.name.casefold(), member.id))
    return [(member, [meeting.scores.get(member.id) for meeting in meetings]) for member in everyone]
