"""Groups, when they meet, who belongs to them, what they are sent, and who came."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from service.models.base import Base, Identified, words
from service.models.people import Member
from service.models.practice import Practice
from service.models.sealed import Sealed
from service.rules.kinds import Anchor, Kind, Timing, Via
from service.rules.recurrence import Frequency, Recurrence
from service.rules.zones import known_zone


class Safety(StrEnum):
    """How a group's texts are watched."""

    ONE_WAY = "one_way"
    UNMONITORED = "unmonitored"
    STAFFED = "staffed"


class Group(Identified):
    """Meets in sessions. The staff name leaves the building in no message."""

    __tablename__ = "groups"

    name_sealed: Mapped[bytes]
    name_index: Mapped[bytes] = mapped_column(unique=True)
    outside_name_sealed: Mapped[bytes]
    place_sealed: Mapped[bytes | None]
    link_sealed: Mapped[bytes | None]
    time_zone: Mapped[str] = mapped_column(String(64))
    capacity: Mapped[int] = mapped_column(default=10)
    facilitator_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    safety: Mapped[Safety] = mapped_column(words(Safety), default=Safety.UNMONITORED)
    reading_hours: Mapped[str] = mapped_column(String(40), default="")
    """When its replies are read, on its own clock. "": when the practice reads."""
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    planned_at: Mapped[datetime | None]
    """When the clock last took up its plan."""

    name = Sealed()
    outside_name = Sealed()
    place = Sealed()
    link = Sealed()

    series: Mapped[list["Series"]] = relationship(back_populates="group", order_by="Series.starts_on")
    rules: Mapped[list["Rule"]] = relationship(back_populates="group", order_by="Rule.position")

    @property
    def zone(self) -> ZoneInfo:
        """Its own, or the practice's where its own is known no more."""
        own, db = known_zone(self.time_zone), object_session(self)
        return own or (db.scalars(select(Practice)).one().zone if db else ZoneInfo("UTC"))

    @property
    def is_online(self) -> bool:
        return self.link_sealed is not None and self.place_sealed is None

    @classmethod
    def open(cls) -> Select[Self]:
        return select(cls).where(cls.closed_at.is_(None))


class Series(Identified):
    """The recurrence of a group's sessions, on its wall clock."""

    __tablename__ = "series"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"), index=True)
    frequency: Mapped[Frequency] = mapped_column(words(Frequency))
    every: Mapped[int]
    starts_on: Mapped[date]
    at: Mapped[time]
    minutes: Mapped[int]
    count: Mapped[int | None]
    until: Mapped[date | None]
    skips: Mapped[list[str]]
    """ISO dates without a session."""

    group: Mapped[Group] = relationship(back_populates="series")

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(
            starts_on=self.starts_on,
            frequency=self.frequency,
            every=self.every,
            count=self.count,
            until=self.until,
            skips=frozenset(date.fromisoformat(day) for day in self.skips),
        )


class SessionState(StrEnum):
    PLANNED = "planned"
    CANCELLED = "cancelled"


class GroupSession(Identified):
    """One meeting of a group."""

    __tablename__ = "group_sessions"
    __table_args__ = (
        UniqueConstraint("series_id", "series_on"),
        Index("ix_group_sessions_group_id_starts_at", "group_id", "starts_at"),
    )

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"))
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("series.id"))
    series_on: Mapped[date | None]
    """The date of the series that it stands for, also after it was moved."""
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    state: Mapped[SessionState] = mapped_column(words(SessionState), default=SessionState.PLANNED)
    start_revision: Mapped[int] = mapped_column(default=0)
    """Grows when the start moves: what was said of the old start was not said of the new one."""
    moved_from: Mapped[datetime | None]
    line_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime]

    line = Sealed()
    """What the group takes along for the week, in the words of whoever wrapped up."""

    group: Mapped[Group] = relationship()

    @property
    def is_cancelled(self) -> bool:
        return self.state is SessionState.CANCELLED

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.starts_at) / timedelta(minutes=1))

    @classmethod
    def between(cls, first: datetime, last: datetime) -> Select[Self]:
        """Those that start in `[first, last)`, in order, cancelled ones too."""
        return select(cls).where(cls.starts_at >= first, cls.starts_at < last).order_by(cls.starts_at, cls.id)

    @classmethod
    def next_after(cls, group_id: UUID, moment: datetime) -> Select[Self]:
        """The planned session of the group that starts soonest after `moment`."""
        return (
            select(cls)
            .where(cls.group_id == group_id, cls.starts_at > moment, cls.state == SessionState.PLANNED)
            .order_by(cls.starts_at)
            .limit(1)
        )


class Rule(Identified):
    """When a message of one kind is due about each session of a group."""

    __tablename__ = "rules"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"), index=True)
    kind: Mapped[Kind] = mapped_column(words(Kind))
    anchor: Mapped[Anchor] = mapped_column(words(Anchor))
    minutes: Mapped[int | None]
    """Elapsed minutes before the start or after the end; None where `days` and `at` say it."""
    days: Mapped[int | None]
    """Calendar days before or after the day of the session, at `at` on the group's clock."""
    at: Mapped[time | None]
    via: Mapped[Via] = mapped_column(words(Via), default=Via.CHOICE)
    stop_if_answered: Mapped[bool] = mapped_column(default=False)
    is_on: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int]

    group: Mapped[Group] = relationship(back_populates="rules")

    @property
    def timing(self) -> Timing:
        return Timing(self.anchor, self.minutes, self.days, self.at)


class Enrolment(Identified):
    """A member's time in a group."""

    __tablename__ = "enrolments"
    __table_args__ = (Index("ix_enrolments_group_id_member_id", "group_id", "member_id"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"), index=True)
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    """The first day on which they no longer belong."""
    away_from: Mapped[date | None]
    away_until: Mapped[date | None]
    """The last day of their leave."""

    group: Mapped[Group] = relationship()
    member: Mapped[Member] = relationship()

    def covers(self, day: date) -> bool:
        """Whether the member is expected at a session on this day, on the group's calendar."""
        if day < self.joined_on or (self.left_on is not None and day >= self.left_on):
            return False
        away = self.away_from is not None and day >= self.away_from
        return not (away and (self.away_until is None or day <= self.away_until))

    def lasts(self, now: datetime) -> bool:
        """Whether the member belongs, or will, by the day on the group's own clock; on leave or not."""
        return self.left_on is None or self.left_on > now.astimezone(self.group.zone).date()

    @classmethod
    def of_group(cls, group_id: UUID) -> Select[Self]:
        return select(cls).where(cls.group_id == group_id)

    @classmethod
    def current(cls, day: date) -> Select[Self]:
        """Those who belong on this day or will, on leave or not."""
        return select(cls).where(or_(cls.left_on.is_(None), cls.left_on > day))


class Answer(StrEnum):
    COMING = "coming"
    CANNOT = "cannot"


class Came(StrEnum):
    CAME = "came"
    LATE = "late"
    EXCUSED = "excused"
    ABSENT = "absent"


class Attendance(Base):
    """What a member said about a session, and whether they came. Unknown is None, never absent."""

    __tablename__ = "attendance"

    group_session_id: Mapped[UUID] = mapped_column(ForeignKey("group_sessions.id"), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"), primary_key=True, index=True)
    answer: Mapped[Answer | None] = mapped_column(words(Answer))
    answered_at: Mapped[datetime | None]
    start_revision: Mapped[int] = mapped_column(default=0)
    """The start that the answer was about: a moved session is asked about again."""
    came: Mapped[Came | None] = mapped_column(words(Came))

    @classmethod
    def of(cls, group_session_ids: Collection[UUID]) -> Select[Self]:
        return select(cls).where(cls.group_session_id.in_(group_session_ids))
