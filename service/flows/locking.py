"""The facts of the mark: locked, and read again at the last moment at which a message can still be stopped."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from service.flows.budget import Budget
from service.flows.post import Post
from service.flows.standing import standings
from service.models import Attendance, Delivery, Enrolment, Group, GroupSession, Member, Practice, Rule
from service.rules.consent import Channel, Purpose
from service.rules.kinds import NATURES
from service.rules.lifecycle import State

WAITS_FOR = 30.0
"""Seconds that the news of a session waits for a reminder of it that is just leaving, so that it comes after it."""

T = TypeVar("T", Group, Rule)


class Locked:
    """A group of deliveries and all that may speak against sending them: a dozen queries, whatever its size.

    Members are locked first, as an opt-out does it, then their sessions; nothing that is read here changes until the
    transaction ends. The present is the moment after the last lock was had.
    """

    def __init__(self, db: Session, ids: Sequence[UUID], post: Post) -> None:
        self._db, self._waits = db, post.clock.lasting(WAITS_FOR)
        self._members = self._locked_members(ids)
        self._sessions = self._locked_sessions(ids)
        self.deliveries = db.scalars(Delivery.scheduled(ids).with_for_update(skip_locked=True)).all()
        self.now = post.clock()
        self.practice = db.scalars(select(Practice)).one()
        self._set_relations()
        self.standings = standings(db, list(self._members.values()), self._purposes)
        self.enrolments = self._all_enrolments()
        attendance = db.scalars(Attendance.of(list(self._sessions)))
        self.attendance = {(row.group_session_id, row.member_id): row for row in attendance}

    @cached_property
    def under_way(self) -> set[tuple[UUID, UUID | None, Channel]]:
        """To whom, about which session and how something may be leaving at this moment."""
        query = select(Delivery.member_id, Delivery.group_session_id, Delivery.channel).where(
            Delivery.group_session_id.in_(list(self._sessions)),
            Delivery.state.in_((State.SENDING, State.UNKNOWN)),
            Delivery.marked_at > self.now - self._waits,
        )
        return {(row.member_id, row.group_session_id, row.channel) for row in self._db.execute(query)}

    @cached_property
    def budget(self) -> Budget:
        has_prompts = any(NATURES[delivery.kind].is_prompt for delivery in self.deliveries)
        return Budget(self._db, list(self._members.values()), self.practice, self.now, with_planned=has_prompts)

    @property
    def _purposes(self) -> set[Purpose]:
        return {purpose for row in self.deliveries if (purpose := NATURES[row.kind].purpose)}

    def _locked_members(self, ids: Sequence[UUID]) -> Mapping[UUID, Member]:
        mine = select(Delivery.member_id).where(Delivery.id.in_(ids))
        query = select(Member).where(Member.id.in_(mine)).order_by(Member.id).with_for_update(read=True)
        return {row.id: row for row in self._db.scalars(query)}

    def _locked_sessions(self, ids: Sequence[UUID]) -> Mapping[UUID, GroupSession]:
        mine = select(Delivery.group_session_id).where(Delivery.id.in_(ids))
        query = select(GroupSession).where(GroupSession.id.in_(mine)).order_by(GroupSession.id)
        return {row.id: row for row in self._db.scalars(query.with_for_update(read=True))}

    def _set_relations(self) -> None:
        """What is here is not read once more for each delivery."""
        groups = self._rows(Group, {row.group_id for row in self._sessions.values()})
        rules = self._rows(Rule, {row.rule_id for row in self.deliveries if row.rule_id})
        for group_session in self._sessions.values():
            set_committed_value(group_session, "group", groups[group_session.group_id])
        for row in self.deliveries:
            set_committed_value(row, "member", self._members[row.member_id])
            set_committed_value(row, "group_session", self._session_of(row))
            set_committed_value(row, "rule", rules[row.rule_id] if row.rule_id else None)

    def _session_of(self, row: Delivery) -> GroupSession | None:
        return self._sessions[row.group_session_id] if row.group_session_id else None

    def _rows(self, of: type[T], ids: set[UUID]) -> Mapping[UUID, T]:
        return {row.id: row for row in self._db.scalars(select(of).where(of.id.in_(ids)))} if ids else {}

    def _all_enrolments(self) -> Mapping[tuple[UUID, UUID], list[Enrolment]]:
        enrolments: dict[tuple[UUID, UUID], list[Enrolment]] = defaultdict(list)
        for row in self._db.scalars(select(Enrolment).where(Enrolment.member_id.in_(list(self._members)))):
            enrolments[row.member_id, row.group_id].append(row)
        return enrolments
