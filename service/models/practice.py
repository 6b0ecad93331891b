"""The practice, its staff, and who of them is signed in."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.base import Identified, words
from service.models.sealed import Sealed
from service.rules.retention import Periods
from service.rules.zones import known_zone


class Role(StrEnum):
    ADMIN = "admin"
    FACILITATOR = "facilitator"
    COORDINATOR = "coordinator"
    ONCALL = "oncall"

    @property
    def reads_replies(self) -> bool:
        return self in (Role.ADMIN, Role.FACILITATOR)

    @property
    def reads_flags(self) -> bool:
        """Whoever is on call reads what was flagged, and nothing else."""
        return self is not Role.COORDINATOR


class Practice(Identified):
    """The one practice of this installation, and what its messages have in common."""

    __tablename__ = "practices"

    name: Mapped[str] = mapped_column(String(120))
    sender_label: Mapped[str] = mapped_column(String(16))
    """Opens every text: neutral, and registered with the carriers."""
    phone: Mapped[str] = mapped_column(String(32))
    postal_address: Mapped[str] = mapped_column(String(200), default="")
    country: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    opens: Mapped[time]
    """Messages may arrive from here up to `closes`, on the member's own clock; the rest is quiet."""
    closes: Mapped[time]
    reading_hours: Mapped[str] = mapped_column(String(40))
    """When staff read replies, as a text says it: Mon-Fri 9-5."""
    per_day: Mapped[int]
    per_week: Mapped[int]
    wordings_version: Mapped[int] = mapped_column(default=0)
    """Grows with each change of a text. 0: all of them are ours."""
    part_price: Mapped[str] = mapped_column(String(12), default="")
    """What one part of a text costs here, for estimates. "": nobody said."""
    keep_words_months: Mapped[int] = mapped_column(default=12)
    """What members wrote and answered."""
    keep_bodies_days: Mapped[int] = mapped_column(default=30)
    """The words and addresses of what was sent."""
    keep_log_months: Mapped[int] = mapped_column(default=13)
    purged_on: Mapped[date | None]
    """When what was older was last removed."""
    created_at: Mapped[datetime]

    @property
    def periods(self) -> Periods:
        return Periods(self.keep_words_months, self.keep_bodies_days, self.keep_log_months)

    @periods.setter
    def periods(self, kept: Periods) -> None:
        self.keep_words_months, self.keep_bodies_days, self.keep_log_months = kept.words, kept.bodies, kept.log

    @property
    def zone(self) -> ZoneInfo:
        return known_zone(self.time_zone) or ZoneInfo("UTC")


class Staff(Identified):
    __tablename__ = "staff"

    email_sealed: Mapped[bytes]
    email_index: Mapped[bytes] = mapped_column(unique=True)
    name_sealed: Mapped[bytes]
    role: Mapped[Role] = mapped_column(words(Role))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """None until the one-time link was used."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    email = Sealed()
    name = Sealed()

    @classmethod
    def with_email(cls, email_index: bytes) -> Select[Self]:
        return select(cls).where(cls.email_index == email_index, cls.disabled_at.is_(None))

    @classmethod
    def who_may_lead(cls) -> Select[Self]:
        """Those who may read what the members of a group write."""
        leads = cls.role.in_([role for role in Role if role.reads_replies])
        return select(cls).where(leads, cls.disabled_at.is_(None)).order_by(cls.id)


class SignIn(Identified):
    """One browser in which a member of staff is signed in. The browser holds the token, we its hash."""

    __tablename__ = "sign_ins"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    """When they last typed their password here: what is dangerous asks for it again."""
    ended_at: Mapped[datetime | None]
    device: Mapped[str] = mapped_column(String(40), default="")
    """Firefox on Windows, as the browser says."""

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def open_of(cls, staff_id: UUID) -> Select[Self]:
        return select(cls).where(cls.staff_id == staff_id, cls.ended_at.is_(None))


class SignInTry(Identified):
    """A try at a password: counted before it is looked at, taken back when it was right."""

    __tablename__ = "sign_in_tries"
    __table_args__ = (
        Index("ix_sign_in_tries_email_index_at", "email_index", "at"),
        Index("ix_sign_in_tries_network_index_at", "network_index", "at"),
    )

    email_index: Mapped[bytes]
    """Of the address that was typed, whether or not it is anybody's."""
    network_index: Mapped[bytes]
    at: Mapped[datetime]


class KeptForm(Identified):
    """What somebody typed when their sign-in had ended, and where it was to go."""

    __tablename__ = "kept_forms"
    LONGEST_PATH = 300

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    path: Mapped[str] = mapped_column(String(LONGEST_PATH))
    fields_sealed: Mapped[bytes]
    kept_at: Mapped[datetime]

    fields = Sealed()
