"""The inbox: what members wrote and nobody has seen to, a thread for each member; strangers apart."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from service.flows.check_in import as_number
from service.models import CheckIn, HandOver, Member, Reply
from service.rules.understanding import Meaning, understand

PER_PAGE = 25
WORDS_OF_ONE = 5
"""Texts of a thread that are shown, the urgent ones before the newest."""

By = InstrumentedAttribute[UUID | None] | InstrumentedAttribute[bytes]


class Show(StrEnum):
    OPEN = "open"
    HANDLED = "handled"


@dataclass(frozen=True)
class Chip:
    """What a text is about, in two words, and how it is coloured."""

    words: str
    tone: str


@dataclass
class Thread:
    """What one member wrote, or one number that we cannot tell whose it is."""

    waiting: int
    first_at: datetime
    last_at: datetime
    replies: list[Reply] = field(default_factory=list)
    """The latest, as they came; those that need a person now stand first."""
    chips: list[Chip] = field(default_factory=list)
    is_shared: bool = False
    """Several members have this number."""

    @property
    def latest(self) -> Reply:
        return max(self.replies, key=lambda reply: (reply.received_at, reply.id))

    @property
    def hand_over(self) -> HandOver | None:
        """By which it is somebody else's, while it waits."""
        waiting = (reply.hand_over for reply in self.replies if reply.handled_at is None)
        return next((one for one in waiting if one is not None), None)

    @property
    def member(self) -> Member | None:
        return self.latest.member


@dataclass(frozen=True)
class Inbox:
    members: Sequence[Thread]
    strangers: Sequence[Thread]
    pages: int


def look(db: Session, show: Show, page: int) -> Inbox:
    """One page of it, as far as the session's scope goes."""
    members = _grouped(Reply.member_id, show).where(Reply.member_id.is_not(None))
    strangers = _grouped(Reply.address_index, show).where(Reply.member_id.is_(None))
    most = max(
        db.scalar(select(func.count()).select_from(one.order_by(None).subquery())) or 0 for one in (members, strangers)
    )
    inbox = Inbox(
        _threads(db, members, Reply.member_id, show, page),
        _threads(db, strangers, Reply.address_index, show, page),
        -(-most // PER_PAGE),
    )
    _mark_shared(db, inbox.strangers)
    _add_chips(db, [*inbox.members, *inbox.strangers])
    return inbox


def first_to_read(db: Session, most: int) -> Sequence[Reply]:
    """Of all that waits: what needs a person now, then what has waited longest."""
    query = select(Reply).where(Reply.handled_at.is_(None))
    return db.scalars(query.order_by(_is_urgent().desc(), Reply.received_at, Reply.id).limit(most)).all()


def _is_urgent() -> ColumnElement[bool]:
    return Reply.distress.is_not(None) & (Reply.distress != "review")


def _grouped(by: By, show: Show) -> Select[Any, int, datetime, datetime]:
    """Threads: what is urgent, then what has waited longest; of those that are done with, the latest."""
    columns = (by, func.count(), func.min(Reply.received_at), func.max(Reply.received_at))
    query = select(*columns).group_by(by)
    if show is Show.HANDLED:
        done = query.having(func.count(Reply.handled_at) == func.count())
        return done.order_by(func.max(Reply.handled_at).desc(), by)
    urgent = func.max(case((_is_urgent(), 1), else_=0))
    return query.where(Reply.handled_at.is_(None)).order_by(urgent.desc(), func.min(Reply.received_at), by)


def _threads(
    db: Session, query: Select[Any, int, datetime, datetime], by: By, show: Show, page: int
) -> Sequence[Thread]:
    rows = db.execute(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
    waits = show is not Show.HANDLED
    found = {key: Thread(number if waits else 0, first, last) for key, number, first, last in rows}
    of_these = by.in_(found) & (Reply.handled_at.is_(None) if waits else Reply.handled_at.is_not(None))
    of_these &= Reply.member_id.is_(None) if by is Reply.address_index else Reply.member_id.is_not(None)
    place = func.row_number().over(partition_by=by, order_by=(_is_urgent().desc(), Reply.received_at.desc(), Reply.id))
    placed = select(Reply.id, place.label("place")).where(of_these).subquery()
    latest = select(Reply).join(placed, placed.c.id == Reply.id).where(placed.c.place <= WORDS_OF_ONE)
    for reply in db.scalars(
        latest.order_by(placed.c.place).options(
            joinedload(Reply.member).joinedload(Member.reached_for), joinedload(Reply.hand_over)
        )
    ):
        found[getattr(reply, by.key)].replies.append(reply)
    for thread in found.values():
        thread.replies.sort(key=lambda reply: (reply.distress in (None, "review"), reply.received_at))
    return [thread for thread in found.values() if thread.replies]  # one may have been handled just now


def waiting(db: Session) -> int:
    """How many threads wait, as far as the session's scope goes."""
    people, strangers = func.count(Reply.member_id.distinct()), func.count(Reply.address_index.distinct())
    is_open = Reply.handled_at.is_(None)
    of_members = db.scalar(select(people).where(is_open)) or 0
    return of_members + (db.scalar(select(strangers).where(is_open, Reply.member_id.is_(None))) or 0)


def from_shared_phones(db: Session, replies: Collection[Reply]) -> set[UUID]:
    """Those whose sender is one of several members with this number, and nobody can tell which."""
    indexes = {reply.address_index for reply in replies if reply.member_id is None}
    known = set(db.scalars(select(Member.mobile_index).where(Member.mobile_index.in_(indexes))))
    return {reply.id for reply in replies if reply.member_id is None and reply.address_index in known}


def _mark_shared(db: Session, strangers: Sequence[Thread]) -> None:
    shared = from_shared_phones(db, [thread.latest for thread in strangers])
    for thread in strangers:
        thread.is_shared = thread.latest.id in shared


def _add_chips(db: Session, threads: Sequence[Thread]) -> None:
    ids = [reply.id for thread in threads for reply in thread.replies if reply.meaning == Meaning.SCORE]
    whose = {thread.latest.member_id for thread in threads}
    query = select(CheckIn).where(CheckIn.member_id.in_(whose), CheckIn.reply_id.in_(ids))
    scores = {row.reply_id: as_number(row.answer) for row in db.scalars(query)}
    back = _back_since(db, threads)
    for thread in threads:
        chips = (chip for reply in thread.replies for chip in _chips(reply, scores.get(reply.id)))
        found = list(dict.fromkeys(chips))
        thread.chips = [BACK if chip == OUT and _is_back(thread, back) else chip for chip in found]


def _back_since(db: Session, threads: Sequence[Thread]) -> Mapping[bytes, datetime]:
    """By number, when START came last."""
    numbers = {reply.address_index for thread in threads for reply in thread.replies}
    came = func.max(Reply.received_at)
    query = select(Reply.address_index, came).where(Reply.meaning == Meaning.OPT_IN, Reply.address_index.in_(numbers))
    return {row[0]: row[1] for row in db.execute(query.group_by(Reply.address_index))}


def _is_back(thread: Thread, back: Mapping[bytes, datetime]) -> bool:
    stops = [reply for reply in thread.replies if reply.meaning == Meaning.OPT_OUT]
    return all(one.address_index in back and back[one.address_index] > one.received_at for one in stops)


OUT, BACK = Chip("Opted out", "warn"), Chip("Opted out, and back", "info")


CHIPS = {
    Meaning.COMING: Chip("Confirmed", "good"),
    Meaning.CANNOT: Chip("Can't come", "warn"),
    Meaning.LATE: Chip("Late", "warn"),
    Meaning.OPT_OUT: OUT,
    Meaning.WRONG_NUMBER: Chip("Wrong number", "warn"),
    Meaning.GOAL: Chip("Goal", "info"),
    Meaning.WIN: Chip("Win", "good"),
}


def _chips(reply: Reply, score: Decimal | None) -> list[Chip]:
    chips = []
    if reply.distress:
        is_for_today = reply.distress == "review"
        chips.append(Chip("Needs a look", "warn") if is_for_today else Chip("Needs a person now", "bad"))
    if reply.answered_with == "shared_number_pick":
        return [*chips, Chip("Asked which visit", "info")]
    if reply.meaning == Meaning.SCORE:
        return [*chips, Chip("Check-in" if score is None else f"Check-in {score.normalize():f}", "info")]
    if reply.meaning == Meaning.WORDS and understand(reply.text or "").fewer:
        chips.append(Chip("Possible opt-out", "warn"))
    known = CHIPS.get(Meaning(reply.meaning)) if reply.meaning in set(Meaning) else None
    return [*chips, known] if known else chips


def thread_of(db: Session, reply: Reply) -> list[UUID]:
    """What the same person wrote up to then, as far as the session's scope goes: nobody sees to what they may not
    read. What came later was not seen, and is not touched."""
    same = Reply.address_index == reply.address_index if reply.member_id is None else Reply.member_id == reply.member_id
    is_stranger = Reply.member_id.is_(None) if reply.member_id is None else Reply.member_id.is_not(None)
    return list(db.scalars(select(Reply.id).where(same, is_stranger, Reply.received_at <= reply.received_at)))


def handle(db: Session, ids: Collection[UUID], staff_id: UUID, now: datetime) -> int:
    """Those of them that were waiting. Returns how many."""
    waiting = db.scalars(select(Reply).where(Reply.id.in_(ids), Reply.handled_at.is_(None)).with_for_update()).all()
    for one in waiting:
        one.handled_at, one.handled_by = now, staff_id
    return len(waiting)


def keep_unread(db: Session, ids: Collection[UUID], pressed_at: datetime) -> int:
    """Takes back the press of that moment, for those of them that it handled."""
    done = db.scalars(select(Reply).where(Reply.id.in_(ids), Reply.handled_at == pressed_at).with_for_update()).all()
    for one in done:
        one.handled_at = one.handled_by = one.nudged_at = None
    return len(done)
