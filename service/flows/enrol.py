"""Members join a group, go on leave, come back, leave; and are invited to be texted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import detail
from service.flows.consider import delivery_id, window
from service.flows.ledger import Evidence, agree, withdraw
from service.flows.links import end_with
from service.flows.plan import plan, plan_member
from service.flows.scope import across_groups
from service.flows.standing import standing
from service.flows.suppress import is_suppressed
from service.models import Delivery, Enrolment, Group, Invitation, Member, Practice
from service.models.sealed import index_of
from service.rules.consent import Channel, Choice, Companion, Purpose
from service.rules.contact import zones_of
from service.rules.kinds import Kind
from service.rules.lifecycle import State

INVITATION_LASTS = timedelta(days=7)


@dataclass(frozen=True)
class Person:
    """A member as staff give them: the number in E.164, the address normalised."""

    name: str
    mobile: str
    email: str
    choice: Choice
    language: str
    time_zone: str | None = None
    shares_phone: bool = False


@across_groups
def add_member(db: Session, person: Person, now: datetime) -> Member:
    member = Member(
        name=person.name,
        choice=person.choice,
        language=person.language,
        time_zone=person.time_zone,
        shares_phone=person.shares_phone,
        number_zones=[],
        created_at=now,
    )
    member.set_mobile(person.mobile, zones_of(person.mobile) if person.mobile else ())
    member.set_email(person.email)
    db.add(member)
    db.flush()
    if person.shares_phone and person.mobile:
        for other in db.scalars(Member.with_mobile(index_of(Channel.SMS, person.mobile))):
            other.shares_phone = True
    return member


@dataclass(frozen=True)
class ToldAs:
    """As what somebody is told of a member's schedule, and who agreed to that, and when."""

    companion: Companion
    note: str


@across_groups
def add_companion(db: Session, member: Member, person: Person, told: ToldAs, now: datetime) -> Member:
    """Somebody who is to be told when the member's groups meet. Nothing goes to them before they have agreed."""
    row = add_member(db, person, now)
    row.reached_for_id, row.reached_as, row.reached_note = member.id, told.companion, told.note
    db.flush()
    return row


@across_groups
def change(db: Session, member: Member, to: Person, taken_by: str, now: datetime) -> tuple[Channel, ...]:
    """The member's contact as it is from now on. Returns the channels whose address is another now.

    A new number or address starts without any consent, and the old one's is over: its next owner agreed to nothing.
    """
    db.execute(select(Member.id).where(Member.id == member.id).with_for_update())
    new = {Channel.SMS: to.mobile, Channel.EMAIL: to.email}
    changed = tuple(channel for channel in Channel if member.address(channel) != new[channel])
    for channel in changed:
        index = member.address_index(channel)
        agreed = [purpose for purpose in Purpose if index and standing(db, member).consent(channel, purpose, index)]
        gone = Evidence(now, "address changed", taken_by, "", member.language)
        withdraw(db, member, channel, agreed, gone, now)
    member.name, member.choice, member.language, member.time_zone = to.name, to.choice, to.language, to.time_zone
    if Channel.SMS in changed:
        member.set_mobile(to.mobile, zones_of(to.mobile) if to.mobile else ())
    if Channel.EMAIL in changed:
        member.set_email(to.email)
    member.shares_phone = to.shares_phone
    if to.shares_phone and member.mobile_index is not None:
        for other in db.scalars(Member.with_mobile(member.mobile_index)):
            other.shares_phone = True
    db.flush()
    plan_member(db, member, now)
    return changed


@across_groups
def known_as(db: Session, mobile: str, email: str, name: str = "") -> Member | None:
    """The member with both this number and this address, or the one that is given; of this name, if one is."""
    mobile_index = index_of(Channel.SMS, mobile) if mobile else None
    email_index = index_of(Channel.EMAIL, email) if email else None
    rows = db.scalars(
        select(Member)
        .where(
            Member.mobile_index == mobile_index if mobile_index else Member.mobile_index.is_(None),
            Member.email_index == email_index if email_index else Member.email_index.is_(None),
            Member.erased_at.is_(None),
            Member.reached_for_id.is_(None),
        )
        .order_by(Member.created_at, Member.id)
    )
    return next((row for row in rows if not name or is_same_name(row.name, name)), None)


def is_same_name(one: str, other: str) -> bool:
    """Case and spaces aside."""
    return one.casefold().split() == other.casefold().split()


@across_groups
def join(db: Session, group: Group, member: Member, day: date, now: datetime) -> Enrolment:
    """The member belongs to the group from this day on, and is sent what is due from now. Safe to repeat."""
    enrolment = take_place(db, group, member, day, now)
    plan(db, now, [group], member)
    return enrolment


@across_groups
def take_place(db: Session, group: Group, member: Member, day: date, now: datetime) -> Enrolment:
    """The member belongs to the group from this day on. What they are sent is the caller's to plan."""
    for enrolment in db.scalars(Enrolment.current(day).where(Enrolment.member_id == member.id)):
        if enrolment.group_id == group.id:
            return enrolment
    enrolment = Enrolment(group_id=group.id, member_id=member.id, joined_on=day)
    db.add(enrolment)
    db.flush()
    if member.created_at < now:  # whoever is new has chosen nothing yet
        detail.end(db, [member], detail.GROUP_JOINED, "nobody: of this group they were shown no text", now)
    return enrolment


@across_groups
def leave(db: Session, enrolment: Enrolment, day: date, now: datetime) -> None:
    """The member no longer belongs from this day on: what was planned for later is void, and so are its links."""
    enrolment.left_on = max(day, enrolment.joined_on)
    db.flush()
    end_with(db, enrolment, enrolment.left_on)
    plan(db, now, [enrolment.group], enrolment.member)


@across_groups
def go_away(db: Session, enrolment: Enrolment, first: date | None, last: date | None, now: datetime) -> None:
    """The member is on leave from `first` to `last`, both included. Without `first` the leave is over."""
    enrolment.away_from, enrolment.away_until = first, last if first else None
    db.flush()
    plan(db, now, [enrolment.group], enrolment.member)


def belongs(db: Session, member: Member, now: datetime) -> bool:
    """To any group, now or later; of a companion: whether the member does whom they are reached for."""
    theirs = db.scalars(select(Enrolment).where(Enrolment.member_id == member.belongs_as))
    return any(row.lasts(now) for row in theirs)


def record_consent(
    db: Session,
    member: Member,
    channels: Collection[Channel],
    purposes: Collection[Purpose],
    evidence: Evidence,
    now: datetime,
) -> None:
    """A consent that staff took on paper or by voice, or that an imported row vouches for. Plans what is due from now.

    An opt-out stands, whatever is recorded here: only the member lifts it.
    """
    for channel in channels:
        agree(db, member, channel, purposes, evidence, now)
    plan_member(db, member, now)


@across_groups
def invite(
    db: Session, member: Member, purposes: Sequence[Purpose], staff_id: UUID | None, now: datetime
) -> Channel | None:
    """Ask the member, once, to say START from their own number. Returns None where there is nobody to ask.

    Nothing but this question goes out until they do.
    """
    index = member.mobile_index
    if index is None or Channel.SMS in member.barred or is_suppressed(db, Channel.SMS, index):
        return None
    if was_asked(db, member, index):
        return None
    practice = db.scalars(select(Practice)).one()
    question = texts.sms("opt_in_request", practice, member.language, {})
    db.add(open_invitation(member, index, purposes, question, now, staff_id))
    ask(db, member, index, now)
    return Channel.SMS


def invite_again(
    db: Session, member: Member, purposes: Sequence[Purpose], now: datetime, staff_id: UUID | None = None
) -> bool:
    """Ask once more, where who may agree is another by now, or they want to be asked. Returns whether there is a number
    to ask."""
    index = member.mobile_index
    if index is None or Channel.SMS in member.barred or is_suppressed(db, Channel.SMS, index):
        return False
    question = texts.sms("opt_in_request", db.scalars(select(Practice)).one(), member.language, {})
    db.add(open_invitation(member, index, purposes, question, now, staff_id))
    ask(db, member, index, now, now.date())
    return True


def open_invitation(
    member: Member, index: bytes, purposes: Sequence[Purpose], wording: str, now: datetime, staff_id: UUID | None = None
) -> Invitation:
    return Invitation(
        member_id=member.id,
        channel=Channel.SMS,
        address_index=index,
        purposes=[purpose.value for purpose in purposes],
        wording=wording,
        staff_id=staff_id,
        asked_at=now,
        expires_at=now + INVITATION_LASTS,
    )


def ask(db: Session, member: Member, index: bytes, now: datetime, *again: date) -> None:
    """The one text that may go to a number before its owner has said START, in hours at which they may be reached."""
    practice = db.scalars(select(Practice)).one()
    send_at = window(practice, practice.time_zone, member).next_opening(now) or now
    db.add(
        Delivery(
            id=delivery_id(member.created_at, Kind.INVITATION, member.id, index.hex(), *again),
            kind=Kind.INVITATION,
            channel=Channel.SMS,
            member_id=member.id,
            due_at=now,
            next_at=send_at,
            expires_at=now + INVITATION_LASTS,
            why="invited" + ("" if send_at == now else ", held by quiet hours"),
            state=State.SCHEDULED,
        )
    )
    db.flush()


@across_groups
def can_be_invited(db: Session, member: Member) -> bool:
    """Whether there is a number that was not asked yet, and that has not opted out or agreed already."""
    index = member.mobile_index
    if index is None or Channel.SMS not in member.choice.channels:
        return False
    current = standing(db, member)
    if Channel.SMS in current.barred or current.agreed(Channel.SMS, index):
        return False
    return not is_suppressed(db, Channel.SMS, index) and not was_asked(db, member, index)


def was_asked(db: Session, member: Member, index: bytes) -> bool:
    query = select(Invitation.id).where(Invitation.member_id == member.id, Invitation.address_index == index)
    return db.scalars(query).first() is not None
