"""A member asks to be forgotten: who they are and what they wrote is deleted, how much there was stays."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from service.flows import blank, enrol
from service.flows.audit import audit
from service.flows.companions import companions_of
from service.flows.retain import OPEN
from service.flows.scope import across_groups, whole
from service.flows.suppress import lock, suppress, void
from service.models import AuditEntry, CheckIn, Delivery, Enrolment, Flag, HandOver, Invitation, Link, Member, Reply
from service.models.base import Base
from service.rules.consent import Channel, Choice, Refusal
from service.rules.lifecycle import State

NAME = "Erased member"
WHY = "erased at their wish"
ACTION = "member erased"
SHOWN = 10


class NotNow(Exception):
    """Something about the member needs a person first. The text says what."""


@dataclass(frozen=True)
class Erased:
    """How much there is to erase, or was."""

    replies: int
    answers: int
    bodies: int
    waiting: int
    groups: int
    links: int
    companions: int = 0
    """People who are reached for them, and go with them."""


@dataclass(frozen=True)
class Receipt:
    """What was done at a member's wish, and what is still to be done."""

    member: Member
    erased: Erased
    left: int
    """So many texts may still have words at the text provider."""


def count(db: Session, member: Member, now: datetime) -> Erased:
    """Across all groups, whoever asks: nothing of it is shown."""
    with whole(db):
        return Erased(
            replies=_many(db, Reply, _written_by(member)),
            answers=_many(db, CheckIn, CheckIn.member_id == member.id),
            bodies=_many(db, Delivery, (Delivery.member_id == member.id) & Delivery.body_sealed.is_not(None)),
            waiting=_many(db, Delivery, (Delivery.member_id == member.id) & (Delivery.state == State.SCHEDULED)),
            groups=len(_current(db, member, now)),
            links=_many(db, Link, Link.member_id == member.id),
            companions=len(companions_of(db, [member])),
        )


def receipt(db: Session, member: Member) -> Receipt:
    entry = select(AuditEntry).where(AuditEntry.action == ACTION, AuditEntry.member_id == member.id)
    return Receipt(member, Erased(**db.scalars(entry).one().details), blank.left_of(db, member))


def latest(db: Session) -> Sequence[Receipt]:
    """The newest first."""
    erased = select(Member).where(Member.erased_at.is_not(None)).order_by(Member.erased_at.desc()).limit(SHOWN)
    return [receipt(db, member) for member in db.scalars(erased)]


def refusal(db: Session, member: Member) -> str:
    """Why it cannot be done yet, or ""."""
    ids = [member.id, *(one.id for one in companions_of(db, [member]))]
    open_flags = select(Flag.id).where(Flag.member_id.in_(ids), Flag.closed_at.is_(None))
    if db.scalars(open_flags).first() is not None:
        return "Something they wrote needs a person. Close the flag first."
    return ""


@across_groups
def erase(db: Session, member: Member, staff_id: UUID | None, now: datetime) -> Erased:
    """Nothing of it comes back. Their addresses stay suppressed, as hashes. Whoever is reached for them goes along; of
    a companion who is erased the member learns nothing. Raises NotNow."""
    lock(db, [member])
    companions = companions_of(db, [member])
    lock(db, companions)
    if problem := refusal(db, member):
        raise NotNow(problem)
    erased = count(db, member, now)
    for one in companions:
        erase(db, one, staff_id, now)
    _let_nothing_out(db, member, now)
    _leave_groups(db, member, now)
    _delete_words(db, member, now)
    _forget_person(member, now)
    db.flush()
    audit(db, staff_id, ACTION, member, now, **asdict(erased))
    return erased


def _let_nothing_out(db: Session, member: Member, now: datetime) -> None:
    """No import can write to them again. A phone that is another member's too stays theirs."""
    member.stopped_at = now
    db.flush()
    for channel in Channel:
        index = member.address_index(channel)
        if index is not None and not _others_have(db, member, channel, index):
            suppress(db, channel, index, WHY, now)
        void(db, member, channel, Refusal.HALTED, now, by="staff")


def _others_have(db: Session, member: Member, channel: Channel, index: bytes) -> bool:
    column = Member.mobile_index if channel is Channel.SMS else Member.email_index
    return db.scalars(select(Member.id).where(column == index, Member.id != member.id)).first() is not None


def _leave_groups(db: Session, member: Member, now: datetime) -> None:
    for enrolment in _current(db, member, now):
        today = now.astimezone(enrolment.group.zone).date()
        enrolment.joined_on = min(enrolment.joined_on, today)
        enrol.leave(db, enrolment, today, now)


def _delete_words(db: Session, member: Member, now: datetime) -> None:
    is_over = (Delivery.member_id == member.id) & Delivery.state.not_in(OPEN)
    blank.note_deliveries(db, is_over, now)
    blank.note_replies(db, _written_by(member), now, member)
    for statement in (
        delete(CheckIn).where(CheckIn.member_id == member.id),
        delete(Reply).where(_written_by(member)),
        HandOver.of_nothing(),
        update(Delivery).where(is_over).values(body_sealed=None, address_sealed=None, address_index=None),
        delete(Link).where(Link.member_id == member.id),
        delete(Invitation).where(Invitation.member_id == member.id),
        update(Flag).where(Flag.member_id == member.id).values(record_sealed=None),
    ):
        db.execute(statement, execution_options={"synchronize_session": "fetch"})


def _forget_person(member: Member, now: datetime) -> None:
    member.name, member.minor_note, member.stop_reason = NAME, None, None
    member.reached_for_id = member.reached_as = member.reached_note = None
    member.set_mobile("", ())
    member.set_email("")
    member.choice, member.time_zone = Choice.NONE, None
    member.safe_from = member.safe_until = member.safe_asked_on = None
    member.adult_on = member.minor_route = member.paused_until = None
    member.shares_phone = member.others_read = False
    member.erased_at = now


def _written_by(member: Member) -> ColumnElement[bool]:
    """Also from their own number or address before it was known whose it was."""
    indexes: Collection[bytes] = [index for index in (member.mobile_index, member.email_index) if index]
    is_nobodys = Reply.member_id.is_(None) & Reply.address_index.in_(indexes)
    return (Reply.member_id == member.id) if member.shares_phone else or_(Reply.member_id == member.id, is_nobodys)


def _current(db: Session, member: Member, now: datetime) -> list[Enrolment]:
    rows = db.scalars(select(Enrolment).where(Enrolment.member_id == member.id))
    return [row for row in rows if row.lasts(now)]


def _many(db: Session, model: type[Base], condition: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).select_from(model).where(condition)) or 0
