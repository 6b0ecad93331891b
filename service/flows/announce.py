"""Members hear that a session was moved or cancelled: once, on every channel they agreed to; the others are phoned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.companions import companions_of, reached_for
from service.flows.consider import delivery_id, window
from service.flows.standing import standings
from service.models import Delivery, Enrolment, GroupSession, Member, Practice
from service.rules.consent import Channel, Companion, Purpose, Standing
from service.rules.kinds import Kind, Occasion, expires_at, slot
from service.rules.lifecycle import State
from service.rules.quiet_hours import Action, Slot

WHY = {Kind.MOVED: "the session was moved", Kind.CANCELLED: "the session was cancelled"}


@dataclass(frozen=True)
class News:
    """What became of a session, and the start before which members have to know of it."""

    kind: Kind
    group_session: GroupSession
    before: datetime


@dataclass(frozen=True)
class Told:
    """How the members of a session hear of its change."""

    by_text: int = 0
    by_email: int = 0
    to_phone: tuple[UUID, ...] = ()
    """The members that no message can reach in time: a person has to call them."""

    def __add__(self, other: "Told") -> "Told":
        to_phone = tuple(dict.fromkeys((*self.to_phone, *other.to_phone)))
        return Told(self.by_text + other.by_text, self.by_email + other.by_email, to_phone)


def announce(db: Session, news: News, now: datetime) -> Told:
    """Plan the notices of one change. Nobody is told of a session that is over. Companions hear of it, and are not
    counted."""
    told = Told()
    if news.before <= now:
        return told
    practice = db.scalars(select(Practice)).one()
    members = expected(db, news.group_session)
    standing = standings(db, members)
    by_guardian = _tell_companions(db, news, members, practice, now)
    for member in members:
        agreed = _agreed(member, standing[member.id])
        reached = _plan_notices(db, news, member, agreed, practice, now)
        if reached or member.id not in by_guardian:
            told = _told(told, member, reached)
    db.flush()
    return told


def _tell_companions(
    db: Session, news: News, members: Sequence[Member], practice: Practice, now: datetime
) -> set[UUID]:
    """The members whose guardian hears of it in time: where nothing reaches such a member nobody need phone."""
    by_guardian = set()
    companions = companions_of(db, members)
    standing, of = standings(db, companions), reached_for(db, companions)
    for one in companions:
        assert one.reached_for_id is not None, "that is what makes them one"
        member = of[one.reached_for_id]
        agreed = [by for by in _agreed(one, standing[one.id]) if member.hindrance(one, by) is None]
        if _plan_notices(db, news, one, agreed, practice, now) and one.reached_as is Companion.GUARDIAN:
            by_guardian.add(one.reached_for_id)
    return by_guardian


def _agreed(member: Member, standing: Standing) -> list[Channel]:
    return [
        channel
        for channel in member.channels
        if standing.refusal(channel, Purpose.REMINDER, member.address_index(channel)) is None
    ]


def expected(db: Session, group_session: GroupSession) -> Sequence[Member]:
    """The members who belong to the group on the day of the session and are not on leave."""
    day = group_session.starts_at.astimezone(group_session.group.zone).date()
    enrolments = db.scalars(Enrolment.of_group(group_session.group_id)).all()
    ids = [enrolment.member_id for enrolment in enrolments if enrolment.covers(day)]
    return db.scalars(select(Member).where(Member.id.in_(ids)).order_by(Member.created_at, Member.id)).all()


def _plan_notices(
    db: Session, news: News, member: Member, agreed: Sequence[Channel], practice: Practice, now: datetime
) -> list[Channel]:
    """The channels on which the member will hear of it in time."""
    occasion = Occasion(
        starts_at=news.before,
        ends_at=news.group_session.ends_at,
        window=window(practice, news.group_session.group.time_zone, member),
        known_from=now,
    )
    where = slot(news.kind, now, occasion)
    in_time = where.action is not Action.CALL_TASK
    reached = [channel for channel in agreed if in_time or (channel is Channel.EMAIL and member.safe_from is None)]
    for channel in reached:
        db.add(_notice(news, member, channel, where, now))
    return reached


def _notice(news: News, member: Member, channel: Channel, where: Slot, now: datetime) -> Delivery:
    group_session = news.group_session
    # a mail wakes nobody: it goes at once, at any hour
    at_once = channel is Channel.EMAIL and member.safe_from is None
    send_at = now if at_once or where.send_at is None else where.send_at
    return Delivery(
        id=delivery_id(
            group_session.starts_at,
            *(news.kind, group_session.id, group_session.start_revision, member.id, channel),
        ),
        kind=news.kind,
        channel=channel,
        member_id=member.id,
        group_session_id=group_session.id,
        start_revision=group_session.start_revision,
        due_at=now,
        next_at=send_at,
        expires_at=max(expires_at(news.kind, send_at, group_session.starts_at), now),
        why=WHY[news.kind],
        state=State.SCHEDULED,
    )


def _told(told: Told, member: Member, reached: Sequence[Channel]) -> Told:
    if not reached:
        return replace(told, to_phone=(*told.to_phone, member.id))
    return replace(
        told,
        by_text=told.by_text + (Channel.SMS in reached),
        by_email=told.by_email + (Channel.EMAIL in reached),
    )
