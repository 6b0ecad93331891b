"""The facts of the mark: locked, and read again at the last moment at which a message can still be stopped."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from service.flows.budget import Budget
from service.flows.post import Post
from service.flows.standing import held, standings
from service.models import Attendance, Delivery, Enrolment, GroupSession, Member, Practice
from service.models.bulk import among
from service.rules.consent import Channel, Purpose
from service.rules.kinds import NATURES
from service.rules.lifecycle import State

THESE = among(Delivery.id, "ids")
# made once: to build a statement costs as much as to run it
MEMBERS = (
    select(Member)
    .where(Member.id.in_(select(Delivery.member_id).where(THESE)))
    .order_by(Member.id)
    .with_for_update(read=True)
)
SESSIONS = (
    select(GroupSession)
    .where(GroupSession.id.in_(select(Delivery.group_session_id).where(THESE)))
    .order_by(GroupSession.id)
    .options(joinedload(GroupSession.group))
    .with_for_update(read=True, of=GroupSession)
)
DELIVERIES = (
    select(Delivery)
    .where(THESE, Delivery.state == State.SCHEDULED)
    .order_by(Delivery.expires_at, Delivery.group_session_id, Delivery.id)
    .options(joinedload(Delivery.rule))
    .with_for_update(skip_locked=True, of=Delivery)
)
PRACTICE = select(Practice)
ENROLMENTS = select(Enrolment).where(among(Enrolment.member_id, "ids"), among(Enrolment.group_id, "groups"))
ATTENDANCE = select(Attendance).where(
    among(Attendance.group_session_id, "sessions"), among(Attendance.member_id, "ids")
)


class Locked:
    """A group of deliveries and all that may speak against sending them: ten queries, whatever its size.

    Members are locked first, as an opt-out does it, then their sessions; nothing that is read here changes until the
    transaction ends. The present is the moment after the last lock was had.
    """

    def __init__(self, db: Session, ids: Sequence[UUID], post: Post) -> None:
        self._db, self._waits = db, post.clock.lasting(post.patience.just_leaving)
        these = {"ids": ids}
        self._members = {row.id: row for row in db.scalars(MEMBERS, these)}
        self._sessions = {row.id: row for row in db.scalars(SESSIONS, these)}
        self.deliveries = db.scalars(DELIVERIES, these).all()
        self.now = post.clock()
        self.practice = db.scalars(PRACTICE).one()
        for row in self.deliveries:  # what is here is not read once more for each delivery
            set_committed_value(row, "member", self._members[row.member_id])
            set_committed_value(row, "group_session", self._session_of(row))
        self.standings = standings(db, list(self._members.values()), self._purposes)
        self.enrolments = self._all_enrolments()
        self.attendance = self._all_attendance()

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

    @cached_property
    def held(self) -> frozenset[UUID]:
        """Those whose prompts wait for a flag to be closed."""
        return held(self._db, self._members.values(), self.now)

    @property
    def _purposes(self) -> set[Purpose]:
        purposes = {purpose for row in self.deliveries if (purpose := NATURES[row.kind].purpose)}
        return purposes | {Purpose.DETAILED} if Purpose.REMINDER in purposes else purposes

    def _session_of(self, row: Delivery) -> GroupSession | None:
        return self._sessions[row.group_session_id] if row.group_session_id else None

    def _all_enrolments(self) -> Mapping[tuple[UUID, UUID], list[Enrolment]]:
        groups = {row.group_id for row in self._sessions.values()}
        enrolments: dict[tuple[UUID, UUID], list[Enrolment]] = defaultdict(list)
        whose = {row.belongs_as for row in self._members.values()}
        for row in self._db.scalars(ENROLMENTS, {"ids": list(whose), "groups": list(groups)}):
            enrolments[row.member_id, row.group_id].append(row)
        return enrolments

    def _all_attendance(self) -> Mapping[tuple[UUID, UUID], Attendance]:
        rows = self._db.scalars(ATTENDANCE, {"ids": list(self._members), "sessions": list(self._sessions)})
        return {(row.group_session_id, row.member_id): row for row in rows}
