"""Flags that a person must look at, the pages that call for one, and who is on call."""

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from sqlalchemy import BindParameter, ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.base import Base, Identified, words
from service.models.people import Member
from service.models.practice import Staff
from service.models.sealed import Sealed
from service.rules.consent import Channel


class Outcome(StrEnum):
    """What a person did before they closed a flag."""

    CALLED = "called"
    EMERGENCY = "emergency"
    SAFE = "safe"
    NOT_REACHED = "not_reached"
    PASSED_ON = "passed_on"
    NOT_A_CRISIS = "not_a_crisis"


class Flag(Identified):
    """Something that a member wrote, or a stranger, and that a person must look at. Only a person closes it.

    What follows from the same number, while nobody has taken it up, joins it: fifty texts are one flag. A plain answer
    joins it until it is closed.
    """

    __tablename__ = "flags"
    __table_args__ = (
        Index("ix_flags_closed_at_opened_at", "closed_at", "opened_at"),
        Index("ix_flags_address_index", "address_index"),
    )

    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"), index=True)
    """None: nobody we know, or one of several who share the phone."""
    address_index: Mapped[bytes]
    is_urgent: Mapped[bool]
    """People are paged. Otherwise somebody reads it by the end of the day."""
    category: Mapped[str] = mapped_column(String(24))
    pattern: Mapped[str] = mapped_column(String(80))
    """What matched, in words of ours."""
    opened_at: Mapped[datetime]
    rounds: Mapped[int] = mapped_column(default=0)
    """How often people were called."""
    call_at: Mapped[datetime | None]
    """When the next ones are called; None: nobody is."""
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome))
    record_sealed: Mapped[bytes | None]
    quiet_until: Mapped[datetime | None]
    """Prompts start again after this, once it is closed."""

    record = Sealed()
    """What was done, in the words of whoever did it."""

    member: Mapped[Member | None] = relationship()

    @classmethod
    def open(cls) -> Select[Self]:
        """Urgent ones first, then the oldest."""
        return select(cls).where(cls.closed_at.is_(None)).order_by(cls.is_urgent.desc(), cls.opened_at, cls.id)

    @classmethod
    def urgent(cls) -> Select[Self]:
        return cls.open().where(cls.is_urgent)

    @classmethod
    def to_join(cls, address_index: bytes, *, is_urgent: bool, says_more: bool) -> Select[Self]:
        """The flag of this number that is open; of what says more, one that nobody has taken up yet."""
        theirs = cls.open().where(cls.address_index == address_index, cls.is_urgent == is_urgent)
        return theirs.where(cls.acknowledged_at.is_(None)) if says_more else theirs

    @classmethod
    def due(cls, now: datetime | BindParameter[datetime]) -> Select[Self]:
        return cls.urgent().where(cls.call_at <= now)

    @classmethod
    def holding(cls, members: Collection[Member], now: datetime) -> Select[Self]:
        """Those for which these members' prompts wait."""
        indexes = {index for one in members for index in (one.mobile_index, one.email_index) if index}
        is_theirs = cls.member_id.in_([one.id for one in members]) | cls.address_index.in_(indexes)
        return select(cls).where(cls.is_urgent, is_theirs, cls.closed_at.is_(None) | (cls.quiet_until > now))


class PageState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class Why(StrEnum):
    """What a page is for."""

    FLAG = "flag"
    TEST = "test"
    REPLIES = "replies"
    """Replies wait for longer than they should."""
    OPENED = "replies_opened"
    """An administrator reads what is theirs to read."""
    PASSWORD = "password_changed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    CODES = "codes_renewed"
    CODE_USED = "code_used"
    ACCESS = "access_changed"
    """Their role, their account, or who leads a group of theirs was changed by somebody else."""
    TRIES = "signed_in_after_tries"
    """Somebody is in after several wrong passwords: they themselves, or whoever guessed."""


class Page(Identified):
    """One call to one of the staff on one channel: a link, and no word of what it is about.

    Sent at least once: of a page that may have gone or not, a second copy does no harm and a lost one does.
    """

    __tablename__ = "pages"
    __table_args__ = (Index("ix_pages_state_try_at", "state", "try_at"), Index("ix_pages_flag_id", "flag_id"))

    why: Mapped[Why] = mapped_column(words(Why))
    flag_id: Mapped[UUID | None] = mapped_column(ForeignKey("flags.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    round: Mapped[int] = mapped_column(default=0)
    channel: Mapped[Channel] = mapped_column(words(Channel))
    address_sealed: Mapped[bytes]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    token_sealed: Mapped[bytes]
    made_at: Mapped[datetime]
    state: Mapped[PageState] = mapped_column(words(PageState), default=PageState.WAITING)
    try_at: Mapped[datetime]
    """When it is tried, or tried again should whoever sends it be lost."""
    tries: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(80))
    answered_at: Mapped[datetime | None]

    address = Sealed()
    token = Sealed()

    staff: Mapped[Staff] = relationship()

    @classmethod
    def due(cls, now: datetime | BindParameter[datetime]) -> Select[Self]:
        return (
            select(cls)
            .where(cls.state.in_((PageState.WAITING, PageState.SENDING)), cls.try_at <= now)
            .order_by(cls.made_at, cls.id)
        )


class Contact(Identified):
    """Somebody of the staff who is called, in the order of `position`."""

    __tablename__ = "contacts"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), unique=True)
    position: Mapped[int]
    mobile_sealed: Mapped[bytes | None]
    days: Mapped[list[str]]
    """The weekdays of their duty, mon to sun; none: every day."""
    tested_at: Mapped[datetime | None]
    """When they last answered a test page."""

    mobile = Sealed()

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def in_order(cls) -> Select[Self]:
        return select(cls).join(Staff).where(Staff.disabled_at.is_(None)).order_by(cls.position, cls.id)

    @classmethod
    def reached_since(cls, moment: datetime) -> Select[Self]:
        """Those who have answered a test page since then."""
        return cls.in_order().where(cls.tested_at > moment)


class LineCheck(Base):
    """When somebody last made sure that a country's crisis lines are right."""

    __tablename__ = "line_checks"

    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    verified_on: Mapped[date]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))


class Absence(Identified):
    """One of the staff is away, and another reads what is theirs to read."""

    __tablename__ = "absences"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    cover_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    first: Mapped[date]
    last: Mapped[date]

    @classmethod
    def on(cls, day: date) -> Select[Self]:
        return select(cls).where(cls.first <= day, cls.last >= day)
