"""What of the data each of the staff may see. What is not theirs is not there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import ColumnElement, Select, String, Table, event, false, func, literal, or_, select
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import InstrumentedAttribute as Column
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from service.models import (
    Absence,
    CheckIn,
    Contact,
    Delivery,
    DeliveryEvent,
    Enrolment,
    Flag,
    Group,
    GroupSession,
    HandOver,
    Member,
    Opening,
    Page,
    Reply,
    Staff,
)
from service.models.base import Base
from service.models.local_date import local_date
from service.models.practice import Role

P = ParamSpec("P")
R = TypeVar("R")

Scope = Mapping[type[Base], ColumnElement[bool]]
"""For a model, the rows of it that somebody sees. A model that is not named is seen whole."""

# In the tables' own columns, not the models': else a scope would be narrowed by itself.
GROUPS, SESSIONS, ENROLMENTS, ABSENCES, OPENINGS, CONTACTS, PAGES = (
    cast(Table, model.__table__) for model in (Group, GroupSession, Enrolment, Absence, Opening, Contact, Page)
)
HAND_OVERS, REPLIES, MEMBERS, EVENTS = (
    cast(Table, model.__table__) for model in (HandOver, Reply, Member, DeliveryEvent)
)
THEIR_GROUP = GROUPS.alias("their_group")


def scope(staff: Staff, today: date, machine_now: datetime) -> Scope:
    """The one place that says who sees what (README, Roles)."""
    if staff.role is Role.FACILITATOR:
        return _of_facilitator(staff, today)
    if staff.role is Role.COORDINATOR:
        return {Reply: false(), CheckIn: false()}
    if staff.role is Role.ONCALL:
        return {Reply: false(), CheckIn: false(), Flag: _called_for(staff)}
    return _of_admin(staff, today, machine_now)


def narrow(db: Session, to: Scope) -> None:
    """From now on this session reads and changes what is in the scope, whatever the statement."""
    db.info["scope"] = to
    event.listen(db, "do_orm_execute", _keep_to_scope)


@contextmanager
def whole(db: Session) -> Iterator[None]:
    """For counts and for what is checked across all groups: nothing of it is shown."""
    kept = db.info.pop("scope", {})
    try:
        yield
    finally:
        db.info["scope"] = kept


def across_groups(flow: Callable[Concatenate[Session, P], R]) -> Callable[Concatenate[Session, P], R]:
    """For what does not depend on who asks: what is planned, counted or taken back is so in every group."""

    @wraps(flow)
    def in_whole(db: Session, /, *args: P.args, **named: P.kwargs) -> R:
        with whole(db):
            return flow(db, *args, **named)

    return in_whole


def _keep_to_scope(execution: ORMExecuteState) -> None:
    seen: Scope = execution.session.info.get("scope", {})
    if not seen or execution.is_insert or execution.is_column_load or execution.is_relationship_load:
        return
    options = [with_loader_criteria(model, condition) for model, condition in seen.items()]
    execution.statement = execution.statement.options(*options)


def _of_facilitator(staff: Staff, today: date) -> Scope:
    groups = groups_of(staff, today)
    enrolled = select(ENROLMENTS.c.member_id).where(ENROLMENTS.c.group_id.in_(groups))
    members = select(MEMBERS.c.id).where(MEMBERS.c.id.in_(enrolled) | MEMBERS.c.reached_for_id.in_(enrolled))
    sessions = select(SESSIONS.c.id).where(SESSIONS.c.group_id.in_(groups))
    return {
        Group: Group.id.in_(groups),
        GroupSession: GroupSession.group_id.in_(groups),
        Enrolment: Enrolment.group_id.in_(groups),
        Member: Member.id.in_(members) | Member.id.in_(_whose_words_they_hold(staff, today)),
        Delivery: or_(
            Delivery.group_session_id.in_(sessions),
            Delivery.group_session_id.is_(None) & Delivery.member_id.in_(members) & ~_written_elsewhere(groups),
        ),
        Reply: _by_members_of(groups, Reply.member_id, Reply.received_at) | _handed_to(staff, today),
        CheckIn: _by_members_of(groups, CheckIn.member_id, CheckIn.answered_at),
        Flag: or_(_by_members_of(groups, Flag.member_id, Flag.opened_at), _called_for(staff)),
    }


def _of_admin(staff: Staff, today: date, machine_now: datetime) -> Scope:
    groups = groups_of(staff, today)
    opened = select(OPENINGS.c.member_id).where(OPENINGS.c.staff_id == staff.id, OPENINGS.c.ends_at > machine_now)
    replies = _by_members_of(groups, Reply.member_id, Reply.received_at)
    check_ins = _by_members_of(groups, CheckIn.member_id, CheckIn.answered_at)
    return {
        Reply: or_(
            *(replies, _nobodys(Reply.member_id), _urgent(), Reply.member_id.in_(opened), _handed_to(staff, today))
        ),
        CheckIn: or_(check_ins, _nobodys(CheckIn.member_id), CheckIn.member_id.in_(opened)),
    }


def _written_elsewhere(groups: Select[Any]) -> ColumnElement[bool]:
    """From a group that is none of these: that somebody belongs there too is not told here."""
    key = func.replace(cast_to(groups.selected_columns.id, String), "-", "")  # SQLite keeps the ids without
    theirs = groups.with_only_columns(literal(DeliveryEvent.TO_GROUP) + key)
    named = func.replace(EVENTS.c.reason, "-", "")
    noted = EVENTS.c.reason.startswith(DeliveryEvent.TO_GROUP) & (EVENTS.c.by == "staff")
    about = (EVENTS.c.delivery_id == Delivery.id) & noted & named.not_in(theirs)
    return select(EVENTS.c.seq).where(about).correlate_except(EVENTS).exists()


def groups_of(staff: Staff, today: date) -> Select[Any]:
    """Their own, and those of whom they cover for today."""
    covered = _covered_by(staff, today)
    return select(GROUPS.c.id).where((GROUPS.c.facilitator_id == staff.id) | GROUPS.c.facilitator_id.in_(covered))


def _covered_by(staff: Staff, today: date) -> Select[Any]:
    is_today = (ABSENCES.c.first <= today) & (ABSENCES.c.last >= today)
    return select(ABSENCES.c.staff_id).where(ABSENCES.c.cover_id == staff.id, is_today)


def _held_by(staff: Staff, today: date) -> ColumnElement[bool]:
    return (HAND_OVERS.c.to_id == staff.id) | HAND_OVERS.c.to_id.in_(_covered_by(staff, today))


def _handed_to(staff: Staff, today: date) -> ColumnElement[bool]:
    """Handed over to them, or to whom they cover for, until it is handled."""
    held = select(HAND_OVERS.c.id).where(_held_by(staff, today))
    return Reply.hand_over_id.in_(held) & Reply.handled_at.is_(None)


def _whose_words_they_hold(staff: Staff, today: date) -> Select[Any]:
    """They may write to these, and call them, meanwhile."""
    held = REPLIES.join(HAND_OVERS, HAND_OVERS.c.id == REPLIES.c.hand_over_id)
    waits = _held_by(staff, today) & REPLIES.c.handled_at.is_(None) & REPLIES.c.member_id.is_not(None)
    return select(REPLIES.c.member_id).select_from(held).where(waits)


def _by_members_of(groups: Select[Any], member_id: Column[Any], at: Column[datetime]) -> ColumnElement[bool]:
    """Written by a member of these groups, or a companion of theirs, up to the day on which the member left, on the
    group's own clock."""
    still_there = or_(ENROLMENTS.c.left_on.is_(None), ENROLMENTS.c.left_on >= local_date(at, THEIR_GROUP.c.time_zone))
    there = THEIR_GROUP.c.id.in_(groups) & (ENROLMENTS.c.member_id == _belongs_as(member_id)) & still_there
    both = ENROLMENTS.join(THEIR_GROUP, THEIR_GROUP.c.id == ENROLMENTS.c.group_id)
    return select(ENROLMENTS.c.id).select_from(both).where(there).correlate_except(ENROLMENTS, THEIR_GROUP).exists()


def _belongs_as(member_id: Column[Any]) -> ColumnElement[Any]:
    """Whose enrolments count: of a companion those of the member they are reached for."""
    reached_for = select(MEMBERS.c.reached_for_id).where(MEMBERS.c.id == member_id).correlate_except(MEMBERS)
    return func.coalesce(reached_for.scalar_subquery(), member_id)


def _called_for(staff: Staff) -> ColumnElement[bool]:
    """Flags that this person was called for, took up or closed; open ones that call for somebody, while they are on
    the list or nobody is. Whose member it is does not matter then: whoever can be called may have to act."""
    pages = select(PAGES.c.flag_id).where(PAGES.c.staff_id == staff.id, PAGES.c.flag_id.is_not(None))
    is_listed = select(CONTACTS.c.id).where(CONTACTS.c.staff_id == staff.id).exists()
    calls = Flag.is_urgent & Flag.closed_at.is_(None) & or_(is_listed, ~select(CONTACTS.c.id).exists())
    return or_(calls, Flag.id.in_(pages), Flag.acknowledged_by == staff.id, Flag.closed_by == staff.id)


def _nobodys(member_id: Column[Any]) -> ColumnElement[bool]:
    """From a number we do not know, or in no group that has a facilitator: else nobody would read it."""
    led = select(GROUPS.c.id).where(GROUPS.c.facilitator_id.is_not(None))
    there = (ENROLMENTS.c.member_id == _belongs_as(member_id)) & ENROLMENTS.c.group_id.in_(led)
    return member_id.is_(None) | ~select(ENROLMENTS.c.id).where(there).correlate_except(ENROLMENTS).exists()


def _urgent() -> ColumnElement[bool]:
    """Speaks of danger, and nobody has looked at it: whoever is called must be able to read it."""
    return Reply.distress.is_not(None) & Reply.handled_at.is_(None)
