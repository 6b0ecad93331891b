"""The messages that are planned and sent, and all that became of them."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Self
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKey,
    Index,
    Insert,
    Select,
    String,
    Update,
    bindparam,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, foreign, mapped_column, relationship

from service.models.base import Base, Identified, words
from service.models.bulk import OF, among, update_each
from service.models.groups import GroupSession, Rule
from service.models.people import Member
from service.models.sealed import Sealed
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State, may_move

REASON_MOST = 80
TO_GROUP = "to group "
IS_SCHEDULED = text("state = 'scheduled'")
IS_ADDRESSED = text("address_index IS NOT NULL")
IS_OPEN_QUESTION = text("state in ('sending', 'unknown')")


class Delivery(Identified):
    """One message to one member on one channel, and all that became of it.

    Its id is made from what it says, to whom, about which start of which session: planned twice, it is the same
    row (`flows/plan.delivery_id`). Every change of state goes through `move`.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "next_at", "expires_at", sqlite_where=IS_SCHEDULED, postgresql_where=IS_SCHEDULED),
        Index("ix_deliveries_open", "lease_until", sqlite_where=IS_OPEN_QUESTION, postgresql_where=IS_OPEN_QUESTION),
        Index("ix_deliveries_group_session_id", "group_session_id"),
        Index("ix_deliveries_member_id_due_at", "member_id", "due_at"),
        Index("ix_deliveries_due_at", "due_at"),
        Index(
            "ix_deliveries_address_index_marked_at",
            *("address_index", "marked_at"),
            sqlite_where=IS_ADDRESSED,
            postgresql_where=IS_ADDRESSED,
        ),
    )

    kind: Mapped[Kind] = mapped_column(words(Kind))
    channel: Mapped[Channel] = mapped_column(words(Channel))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    rule_id: Mapped[UUID | None] = mapped_column(ForeignKey("rules.id"))
    """None: not by a rule: an invitation, or the notice that a session was moved or cancelled."""
    group_session_id: Mapped[UUID | None] = mapped_column(ForeignKey("group_sessions.id"))
    start_revision: Mapped[int] = mapped_column(default=0)
    instead_of: Mapped[UUID | None]
    """The delivery of the same message on the other channel, which did not arrive."""

    due_at: Mapped[datetime]
    """When the rule says; `next_at` is when it goes out, quiet hours and pauses reckoned in."""
    next_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """Of no more use from then on."""
    queued_until: Mapped[datetime | None]
    """Its id is in the queue; handed out again from then on, should the queue have lost it."""
    why: Mapped[str] = mapped_column(String(80), default="")
    """Why it goes out when it does."""

    state: Mapped[State] = mapped_column(words(State, checked=True), default=State.SCHEDULED)
    reason: Mapped[str | None] = mapped_column(String(REASON_MOST))
    fence: Mapped[int] = mapped_column(default=0)
    """Grows with each mark: of two workers, the one with the older number no longer speaks for the delivery."""
    attempts: Mapped[int] = mapped_column(default=0)
    looks: Mapped[int] = mapped_column(default=0)
    """How often the provider was asked about it since the mark."""
    kills: Mapped[int] = mapped_column(default=0)
    """How often its worker was lost between the mark and the record."""
    marked_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    provider_id: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(16))

    address_index: Mapped[bytes | None]
    address_sealed: Mapped[bytes | None]
    body_sealed: Mapped[bytes | None]
    wording: Mapped[str | None] = mapped_column(String(60))
    """Which text it went out with: medium, key, language and version, 0 for ours."""
    consent_seq: Mapped[int | None] = mapped_column(ForeignKey("consents.seq"))
    """The consent that it was sent under."""

    address = Sealed()
    body = Sealed()
    """The text as it left, from the mark on."""

    member: Mapped[Member] = relationship()
    rule: Mapped[Rule | None] = relationship()
    group_session: Mapped[GroupSession | None] = relationship()
    written_to: Mapped["DeliveryEvent | None"] = relationship(
        primaryjoin=lambda: (
            (foreign(DeliveryEvent.delivery_id) == Delivery.id)
            & (DeliveryEvent.by == "staff")
            & DeliveryEvent.reason.startswith(TO_GROUP)
        ),
        viewonly=True,
    )
    """What says that staff wrote it from a group, about none of its sessions."""

    @property
    def group_id(self) -> UUID | None:
        """The group that it is about, or that staff wrote to. None: it is the member's alone."""
        if self.group_session is not None:
            return self.group_session.group_id
        return self.written_to.group_id if self.written_to else None

    @classmethod
    def due(cls, now: datetime | BindParameter[datetime]) -> Select[Self]:
        """Scheduled, their time has come, and not in the queue already: the soonest to be useless first. Those of one
        session come together, for what is read of a session then serves them all."""
        return (
            select(cls)
            .where(
                cls.state == State.SCHEDULED,
                cls.next_at <= now,
                cls.queued_until.is_(None) | (cls.queued_until < now),
            )
            .order_by(cls.expires_at, cls.group_session_id, cls.id)
        )

    @classmethod
    def overdue_questions(cls, now: datetime) -> Select[Self]:
        """Sent or not, nobody knows, and the time to answer is over."""
        return select(cls).where(cls.state.in_((State.SENDING, State.UNKNOWN)), cls.lease_until <= now)

    def move(self, db: Session, to: State, now: datetime, reason: str | None = None, *, by: str) -> bool:
        """Move to a state, if the lifecycle allows it from here, and note who did it. Returns whether it moved."""
        if not may_move(self.state, to):
            return False
        reason = reason[:REASON_MOST] if reason else None
        db.add(DeliveryEvent(delivery_id=self.id, was=self.state, now=to, at=now, by=by, reason=reason))
        self.state, self.reason = to, reason
        return True

    @classmethod
    def move_all(
        cls, db: Session, moves: Mapping[UUID, Mapping[str, object]], to: State, now: datetime, *, by: str
    ) -> None:
        """`move` for many rows that are locked, in two statements. Each has values of its own, of the same columns.
        Those that may not make this move stay as they are."""
        if moves:
            rows = [{OF: one, **values} for one, values in moves.items()]
            db.connection().execute(_noted(to), {"ids": list(moves), "at": now, "by": by})
            update_each(db.connection(), _moved(to), rows)

    @classmethod
    def note_stranger(cls, db: Session, delivery_id: UUID, state: State, now: datetime, said: str) -> None:
        """Keep a report that cannot be true of anything we did: of a message we do not know, or of a second one."""
        row = DeliveryEvent(delivery_id=delivery_id, was=state, now=state, at=now, by="stranger", reason=said)
        db.add(row)

    def note_group(self, db: Session, group_id: UUID, now: datetime) -> None:
        """Keep that staff wrote it from this group."""
        row = DeliveryEvent(delivery_id=self.id, was=self.state, now=self.state, at=now, by="staff")
        row.reason = DeliveryEvent.names(group_id)
        db.add(row)

    @classmethod
    def marked(cls, now: datetime, lease_until: datetime) -> dict[str, object]:
        """What is written of each that is called next: from now on it may have gone."""
        return {"looks": 0, "marked_at": now, "lease_until": lease_until, "queued_until": None}


@cache
def _moved(to: State) -> Update:
    table = Delivery.metadata.tables[Delivery.__tablename__]
    once_more = {"fence": table.c.fence + 1, "attempts": table.c.attempts + 1} if to is State.SENDING else {}
    return update(table).where(_may_go(to)).values(state=to, reason=None, **once_more)


@cache
def _noted(to: State) -> Insert:
    """An event for each that is about to move."""
    table, event = Delivery.metadata.tables[Delivery.__tablename__], DeliveryEvent
    at, by = bindparam("at", type_=event.at.type), bindparam("by", type_=event.by.type)
    moving = select(table.c.id, table.c.state, literal(to.value), at, by).order_by(table.c.id)
    moving = moving.where(among(table.c.id, "ids"), _may_go(to))
    return insert(event).from_select(("delivery_id", "was", "now", "at", "by"), moving)


def _may_go(to: State) -> ColumnElement[bool]:
    return or_(*(Delivery.state == state for state in State if may_move(state, to)))


class DeliveryEvent(Base):
    """One move of a delivery. Added, never changed."""

    __tablename__ = "delivery_events"

    TO_GROUP = TO_GROUP
    """How the reason begins of what staff wrote from a group."""

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    delivery_id: Mapped[UUID] = mapped_column(index=True)
    was: Mapped[str] = mapped_column(String(24))
    now: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(24))
    """planner, worker, callback, reconciler, sweeper, staff, member."""
    reason: Mapped[str | None] = mapped_column(String(80))

    @staticmethod
    def names(group_id: UUID) -> str:
        """The reason of what staff wrote from this group."""
        return f"{TO_GROUP}{group_id}"

    @property
    def group_id(self) -> UUID | None:
        said = self.reason or ""
        return UUID(said.removeprefix(TO_GROUP)) if said.startswith(TO_GROUP) else None


class Sender(Base):
    """A number we send from, and when its next segment may leave: every worker keeps to it."""

    __tablename__ = "senders"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    free_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    """In a row, of the provider's."""
    paused_until: Mapped[datetime | None]
    pause_reason: Mapped[str | None] = mapped_column(String(80))
