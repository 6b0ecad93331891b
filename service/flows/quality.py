"""What is amiss with members' numbers, addresses and consents, each with whom it is about: staff mend it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.flows.show import member_state
from service.flows.standing import standings
from service.models import Delivery, Enrolment, Invitation, Member
from service.rules.consent import Channel, Choice, Companion, NumberDoubt
from service.rules.lifecycle import State

LOOKED_AT = timedelta(days=60)
FAILED = (State.UNDELIVERED, State.DEAD)


class Fault(StrEnum):
    MISSING = "missing"
    ZONE = "zone"
    INVALID = "invalid"
    BOUNCED = "bounced"
    DOUBT = "doubt"
    SHARED = "shared"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True)
class Finding:
    """One thing to mend about one member."""

    fault: Fault
    member: Member
    said: str
    group_id: UUID | None = None
    """Where it is mended, if not at the member's contact."""


def findings(db: Session, today: date, now: datetime) -> list[Finding]:
    """About those who belong to a group now or will, and their companions. Nine queries, however many they are."""
    groups = dict(db.execute(select(Enrolment.member_id, Enrolment.group_id).where(*_belongs(today))).all())
    belong = select(Enrolment.member_id).where(*_belongs(today))
    members = db.scalars(select(Member).where(Member.id.in_(belong) | Member.reached_for_id.in_(belong))).all()
    found = [
        *_missing(members),
        *_nowhere(members),
        *_failed(db, members, now),
        *_doubtful(members),
        *_shared(members),
        *_unasked(db, members, groups),
    ]
    order = list(Fault)
    return sorted(found, key=lambda one: (order.index(one.fault), one.member.name.casefold()))


def _belongs(today: date) -> list[ColumnElement[bool]]:
    return [Enrolment.left_on.is_(None) | (Enrolment.left_on > today)]


def _missing(members: Sequence[Member]) -> Iterable[Finding]:
    by_guardian = {one.reached_for_id for one in members if one.reached_as is Companion.GUARDIAN}
    for member in members:
        if member.choice is Choice.NONE and member.id not in by_guardian:
            yield Finding(Fault.MISSING, member, "Gets nothing by their own choice: reach them by phone")
        for channel in member.choice.channels:
            if member.address_index(channel) is None:
                what = "mobile number" if channel is Channel.SMS else "email address"
                yield Finding(Fault.MISSING, member, f"No {what}, though they chose it")


def _nowhere(members: Iterable[Member]) -> Iterable[Finding]:
    for member in members:
        if member.time_zone and member.zone is None:
            said = f"{member.time_zone} is known no more: their number's clock and their group's count until you choose"
            yield Finding(Fault.ZONE, member, said)


def _failed(db: Session, members: Sequence[Member], now: datetime) -> Iterable[Finding]:
    """The last thing heard of a channel is that a message did not arrive there."""
    since = now - LOOKED_AT
    good = select(Delivery.member_id, Delivery.channel, func.max(Delivery.due_at)).where(
        Delivery.state == State.DELIVERED, Delivery.due_at > since
    )
    arrived = {(who, by): at for who, by, at in db.execute(good.group_by(Delivery.member_id, Delivery.channel))}
    bad = select(Delivery).where(Delivery.state.in_(FAILED), Delivery.due_at > since).order_by(Delivery.due_at)
    last = {(row.member_id, row.channel): row for row in db.scalars(bad)}
    by_id = {member.id: member for member in members}
    for (who, channel), row in last.items():
        later = arrived.get((who, channel))
        if who in by_id and (later is None or later < row.due_at):
            fault = Fault.INVALID if channel is Channel.SMS else Fault.BOUNCED
            yield Finding(fault, by_id[who], row.reason or "It did not arrive")


DOUBTS = {
    NumberDoubt.UNREACHABLE: "The last two texts found no phone",
    NumberDoubt.SILENT: "Nothing heard, and not seen at a session, for 180 days",
}


def _doubtful(members: Iterable[Member]) -> Iterable[Finding]:
    for member in members:
        if member.number_doubt is not None:
            yield Finding(Fault.DOUBT, member, f"{DOUBTS[member.number_doubt]}. Texts wait until you have asked")


def _shared(members: Iterable[Member]) -> Iterable[Finding]:
    by_number: dict[bytes, list[Member]] = defaultdict(list)
    for member in members:
        if member.mobile_index is not None:
            by_number[member.mobile_index].append(member)
    for those in by_number.values():
        for member in those if len(those) > 1 else ():
            others = ", ".join(other.name for other in those if other is not member)
            known = "Both know of it" if all(one.shares_phone for one in those) else "Nobody noted that both know of it"
            yield Finding(Fault.SHARED, member, f"Same number as {others}. {known}")


def _unasked(db: Session, members: Sequence[Member], groups: dict[UUID, UUID]) -> Iterable[Finding]:
    standing = standings(db, members)
    invited = set(db.scalars(select(Invitation.member_id)))
    said = {
        "opted out": "Opted out: only they themselves can come back",
        "invited": "Invited, and has not answered",
        "invite needed": "Was never asked",
    }
    for member in members:
        state = member_state(member, standing[member.id], member.id in invited)
        if state in said:
            yield Finding(Fault.NO_CONSENT, member, said[state], groups.get(member.id))
