"""Guardians, carers and interpreters: whose they are, and what about the member speaks against a message to them.

They get the schedule and nothing else, whatever the member answered: nothing of a reply can be read from it. Where
the member gets the same message at the same number or address it goes there once, to the member.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.flows.standing import standings
from service.models import Enrolment, GroupSession, Member
from service.models.groups import SessionState
from service.rules.consent import Channel, Purpose, Refusal, Standing
from service.rules.kinds import REMINDERS, Kind

KINDS = REMINDERS | {Kind.MOVED, Kind.CANCELLED, Kind.INVITATION}
"""What goes to a companion."""


@dataclass(frozen=True)
class ReachedFor:
    """The member of a companion, and what they agree to themselves."""

    member: Member
    standing: Standing

    def hindrance(self, companion: Member, channel: Channel) -> Refusal | None:
        """Why nothing goes to the companion on this channel, or None."""
        if self.member.stopped_at is not None:
            return Refusal.HALTED
        if self.member.has_no_ground:
            return Refusal.MINOR
        index = companion.address_index(channel)
        if channel not in self.member.choice.channels or index != self.member.address_index(channel):
            return None
        goes_there = self.standing.refusal(channel, Purpose.REMINDER, index) is None
        return Refusal.SAME_ADDRESS if goes_there else None


def companions_of(db: Session, members: Iterable[Member]) -> Sequence[Member]:
    return db.scalars(Member.companions_of([member.id for member in members])).all()


def reached_for(db: Session, companions: Iterable[Member]) -> Mapping[UUID, ReachedFor]:
    """By the members' ids, in three queries; in none where there are no companions among these."""
    ids = {one.reached_for_id for one in companions if one.reached_for_id}
    members = db.scalars(select(Member).where(Member.id.in_(ids))).all() if ids else ()
    standing = standings(db, members, [Purpose.REMINDER]) if members else {}
    return {member.id: ReachedFor(member, standing[member.id]) for member in members}


def next_sessions(db: Session, companions: Iterable[Member], now: datetime) -> Mapping[UUID, UUID]:
    """By the members' ids: the session that they are expected at next, which what a companion writes may be about."""
    ids = {one.reached_for_id for one in companions}
    query = (
        select(Enrolment, GroupSession)
        .join(GroupSession, GroupSession.group_id == Enrolment.group_id)
        .where(Enrolment.member_id.in_(ids), GroupSession.starts_at > now)
        .where(GroupSession.state == SessionState.PLANNED)
        .options(joinedload(GroupSession.group))
        .order_by(GroupSession.starts_at.desc())
    )
    expected = [
        (enrolment.member_id, group_session.id)
        for enrolment, group_session in (db.execute(query) if ids else ())
        if enrolment.covers(group_session.starts_at.astimezone(group_session.group.zone).date())
    ]
    return dict(expected)
