"""What a conversation stands at: what was asked last, what was said lately, what was answered already."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from service.models import Attendance, Delivery, GroupSession, Member, Reply
from service.rules.kinds import REMINDERS, Kind
from service.rules.lifecycle import REPORTED, State
from service.rules.understanding import Prompt

PROMPT_OPEN = timedelta(hours=48)
"""So long after a prompt an answer is taken for one to it."""
TAKEN_LATE = timedelta(days=7)
"""So long a number or a DID is still taken, and marked as late."""
TOGETHER = timedelta(hours=2)
"""Two visits of one member that were asked about within this are told apart by asking, not by guessing."""
PICK_OPEN = timedelta(hours=24)
WHICH = "shared_number_pick"
JOINED = timedelta(minutes=15)
LAST_TEXTS = 3
"""Texts in quick succession are read as one: a sentence may be cut in two."""

WENT_OUT = (*REPORTED, State.SENDING, State.UNKNOWN, State.ASSUMED)
PROMPTS = {Kind.CHECKIN: Prompt.CHECKIN, Kind.GOAL: Prompt.GOAL, Kind.REFLECTION: Prompt.REFLECTION}
ASKING = (*REMINDERS, Kind.MOVED, *PROMPTS)


@dataclass(frozen=True)
class Asked:
    """What was asked of each sort, and may still be answered."""

    last: Mapping[Prompt, Delivery]
    either: tuple[Delivery, ...] = ()
    """Two visits, the sooner first, and nobody can tell which of them is meant: that has to be asked."""
    pick: Reply | None = None
    """The answer of which we asked to which visit it belongs."""

    @property
    def prompts(self) -> set[Prompt]:
        visits = {Prompt.REMINDER} if self.either else set()
        return {*self.last, *visits, *({Prompt.WHICH} if self.pick and self.either else ())}


def open_questions(db: Session, reply: Reply, members: Collection[Member], now: datetime) -> Asked:
    """What is open: about a session that is to come, or a prompt of these days. Of two members who share the phone
    and were both asked the same sort of question nobody can tell whose answer it is. Companions are asked nothing."""
    members = [member for member in members if not member.is_companion]
    pick = _pick(db, reply, now)
    rows = db.scalars(_open(members, now, pick.received_at if pick else now)).all()
    visits = _visits(db, [row for row in rows if row.kind not in PROMPTS])
    last = {Prompt.REMINDER: visits[0]} if len(visits) == 1 else {}
    for kind, prompt in PROMPTS.items():
        of_kind = [row for row in rows if row.kind is kind]
        if len({row.member_id for row in of_kind}) == 1:
            last[prompt] = of_kind[-1]
    return Asked(last, tuple(visits) if len(visits) == 2 else (), pick)


def _open(members: Collection[Member], now: datetime, asked_by: datetime) -> Select[Delivery]:
    """The newest last."""
    return (
        select(Delivery)
        .outerjoin(GroupSession, GroupSession.id == Delivery.group_session_id)
        .where(
            Delivery.member_id.in_([member.id for member in members]),
            Delivery.kind.in_(ASKING),
            Delivery.state.in_(WENT_OUT),
            Delivery.marked_at <= asked_by,
            or_(
                Delivery.kind.in_((*REMINDERS, Kind.MOVED)) & (GroupSession.starts_at > now),
                (Delivery.kind == Kind.REFLECTION) & (Delivery.marked_at > now - PROMPT_OPEN),
                Delivery.kind.in_((Kind.CHECKIN, Kind.GOAL)) & (Delivery.marked_at > now - TAKEN_LATE),
            ),
        )
        .order_by(Delivery.marked_at)
    )


def _visits(db: Session, rows: Sequence[Delivery]) -> list[Delivery]:
    """The visit that an answer is about: the one asked about last, unless another was asked about at the same time, or
    of another member, and is not answered. Then both, the sooner first; none where the days would not tell them apart.
    """
    about = list({(row.member_id, row.group_session_id): row for row in rows}.values())
    if len(about) < 2:
        return about
    about.sort(key=_asked_at)
    newest = about[-1]
    answered = _answered(db, about)
    rivals = [
        row
        for row in about[:-1]
        if row.id not in answered
        and (row.member_id != newest.member_id or _asked_at(newest) - _asked_at(row) < TOGETHER)
    ]
    if newest.id not in answered or not rivals:
        rivals.append(newest)
    starts = {_starts_at(row) for row in rivals}
    return sorted(rivals, key=_starts_at) if len(rivals) <= 2 and len(starts) == len(rivals) else []


def _answered(db: Session, about: Sequence[Delivery]) -> set[UUID]:
    query = Attendance.of([row.group_session_id for row in about if row.group_session_id])
    said = {
        (row.member_id, row.group_session_id): row.start_revision for row in db.scalars(query) if row.answer is not None
    }
    return {
        row.id
        for row in about
        if row.group_session_id and said.get((row.member_id, row.group_session_id)) == row.start_revision
    }


def _asked_at(row: Delivery) -> datetime:
    assert row.marked_at is not None, "what went out was marked"
    return row.marked_at


def _starts_at(row: Delivery) -> datetime:
    assert row.group_session is not None, "a reminder is about a session"
    return row.group_session.starts_at


def _pick(db: Session, new: Reply, now: datetime) -> Reply | None:
    """The last text from this number, if we asked to which visit it belongs and that is not long ago."""
    query = Reply.newest().where(Reply.address_index == new.address_index, Reply.id != new.id).limit(1)
    last = db.scalars(query).first()
    is_open = last is not None and last.answered_with == WHICH and last.received_at > now - PICK_OPEN
    return last if is_open else None


def recent_words(db: Session, new: Reply, text: str, now: datetime) -> str:
    """This text with the last ones from the same number, as one."""
    query = (
        Reply.newest()
        .where(Reply.address_index == new.address_index, Reply.received_at > now - JOINED, Reply.id != new.id)
        .limit(LAST_TEXTS - 1)
    )
    earlier = [reply.text for reply in reversed(db.scalars(query).all())]
    return " ".join([*earlier, text])


def was_said(db: Session, reply: Reply, key_begins: str, since: datetime) -> bool:
    """Whether a text whose key begins so was sent to this number since then."""
    query = select(Reply.id).where(
        Reply.address_index == reply.address_index,
        Reply.id != reply.id,
        Reply.received_at > since,
        Reply.answered_with.startswith(key_begins, autoescape=True),
    )
    return db.scalars(query).first() is not None
