"""What operators read: ids, states and instants as JSON, without a name, a number or a word of a member."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows.standing import standings, wants_detail
from service.models import Attendance, Delivery, Enrolment, GroupSession, Invitation, Member
from service.models.groups import Answer
from service.rules.consent import Channel, Purpose, Standing
from service.rules.contact import last2
from service.rules.lifecycle import State

Line = dict[str, Any]


def queue(db: Session, now: datetime, days: int) -> Iterator[Line]:
    """What goes out in the coming days, the soonest first."""
    query = (
        select(Delivery)
        .where(Delivery.state == State.SCHEDULED, Delivery.next_at < now + timedelta(days=days))
        .order_by(Delivery.next_at, Delivery.id)
    )
    for delivery in db.scalars(query):
        held = delivery.next_at > delivery.due_at
        yield {
            **_facts(delivery),
            "due_at": _instant(delivery.due_at),
            "held_until": _instant(delivery.next_at) if held else None,
            "expires_at": _instant(delivery.expires_at),
            "why": delivery.why,
        }


def log(db: Session, now: datetime, since: datetime | None) -> Iterator[Line]:
    """What became of everything that was due by now."""
    query = select(Delivery).where(Delivery.due_at <= now).order_by(Delivery.due_at, Delivery.id)
    if since is not None:
        query = query.where(Delivery.due_at >= since)
    for delivery in db.scalars(query):
        yield {
            **_facts(delivery),
            "reason": delivery.reason,
            "due_at": _instant(delivery.due_at),
            "marked_at": _instant(delivery.marked_at),
            "accepted_at": _instant(delivery.accepted_at),
            "settled_at": _instant(delivery.settled_at),
            "expires_at": _instant(delivery.expires_at),
            "provider_id": delivery.provider_id,
            "attempts": delivery.attempts,
        }


def sessions(db: Session, now: datetime, days: int) -> Iterator[Line]:
    """The sessions of the coming days, with counts of who said what."""
    coming_up = db.scalars(GroupSession.between(now - timedelta(hours=8), now + timedelta(days=days))).all()
    counts = answers(db, coming_up)
    for group_session in coming_up:
        yield {
            "id": str(group_session.id),
            "group": group_session.group.outside_name,
            "starts_at": _instant(group_session.starts_at),
            "ends_at": _instant(group_session.ends_at),
            "state": group_session.state.value,
            **counts[group_session.id],
        }


def members(db: Session) -> Iterator[Line]:
    """Every member, with what is in force for them. Companions are none."""
    everyone = db.scalars(Member.of_groups().order_by(Member.created_at, Member.id)).all()
    standing = standings(db, everyone)
    invited = set(db.scalars(select(Invitation.member_id)))
    for member in everyone:
        consents = [
            f"{channel}:{purpose}"
            for channel in Channel
            for purpose in standing[member.id].agreed(channel, member.address_index(channel))
        ]
        if wants_detail(member, standing[member.id]):
            consents.append(f"{Channel.SMS}:{Purpose.DETAILED}")
        yield {
            "id": str(member.id),
            "mobile_last2": last2(member.mobile) if member.mobile else None,
            "channel": member.choice.value,
            "language": member.language,
            "consents": consents,
            "state": member_state(member, standing[member.id], member.id in invited),
        }


def member_state(member: Member, standing: Standing, was_invited: bool) -> str:
    """What is true on the channels of the member's choice: active; or why nothing goes: stopped, under age, no address,
    opted out, not safe, invited, invite needed."""
    if member.stopped_at is not None:
        return "stopped"
    if member.adult_on is not None and member.minor_route is None:
        return "under age"
    if not member.channels:
        return "no address"
    if any(standing.agreed(channel, member.address_index(channel)) for channel in member.channels):
        return "active"
    indexes = [(channel, member.address_index(channel)) for channel in member.channels]
    if any(index is not None and standing.is_suppressed(channel, index) for channel, index in indexes):
        return "opted out"
    if all(channel in standing.barred for channel in member.channels):
        return "not safe"
    return "invited" if was_invited else "invite needed"


def answers(db: Session, group_sessions: Sequence[GroupSession]) -> dict[UUID, dict[str, int]]:
    """For each session how many are coming, cannot come, and have not said."""
    said: dict[UUID, dict[UUID, Attendance]] = defaultdict(dict)
    for row in db.scalars(Attendance.of([group_session.id for group_session in group_sessions])):
        said[row.group_session_id][row.member_id] = row
    belong: dict[UUID, list[Enrolment]] = defaultdict(list)
    groups = {group_session.group_id for group_session in group_sessions}
    for enrolment in db.scalars(select(Enrolment).where(Enrolment.group_id.in_(groups))):
        belong[enrolment.group_id].append(enrolment)
    counts = {}
    for group_session in group_sessions:
        day = group_session.starts_at.astimezone(group_session.group.zone).date()
        expected = {row.member_id for row in belong[group_session.group_id] if row.covers(day)}
        tally = Counter(current_answer(said[group_session.id].get(who), group_session) for who in expected)
        counts[group_session.id] = {
            "coming": tally[Answer.COMING],
            "cannot": tally[Answer.CANNOT],
            "silent": tally[None],
        }
    return counts


def current_answer(said: Attendance | None, group_session: GroupSession) -> Answer | None:
    """What the member said about this start of the session: an answer to an earlier start does not count."""
    if said is None or said.start_revision != group_session.start_revision:
        return None
    return said.answer


def _facts(delivery: Delivery) -> Line:
    return {
        "id": str(delivery.id),
        "kind": delivery.kind.value,
        "rule_id": str(delivery.rule_id) if delivery.rule_id else None,
        "group_session_id": str(delivery.group_session_id) if delivery.group_session_id else None,
        "member_id": str(delivery.member_id),
        "channel": delivery.channel.value,
        "state": delivery.state.value,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
