"""Members, what they agreed to, and the addresses that must not be written to."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.base import Base, Identified, words
from service.models.bulk import among
from service.models.sealed import Sealed, index_of
from service.rules.consent import (
    ASKED,
    ASKED_OF_COMPANIONS,
    Channel,
    Choice,
    Companion,
    MinorRoute,
    NumberDoubt,
    Purpose,
    Refusal,
)
from service.rules.zones import known_zone

NOTHING: Mapping[Channel, Refusal] = MappingProxyType({})


class Member(Identified):
    """A member, or a companion of one: somebody who is told when that member's groups meet, and nothing else. A
    companion is reached as a member is, by their own consent, and has no enrolment: no roster and no count knows them.
    """

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("(reached_for_id IS NULL) = (reached_as IS NULL)", name="companion"),
        CheckConstraint("reached_for_id <> id", name="of_another"),
    )

    reached_for_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"), index=True)
    """The member whose companion this is. None: a member."""
    reached_as: Mapped[Companion | None] = mapped_column(words(Companion))
    reached_note_sealed: Mapped[bytes | None]
    name_sealed: Mapped[bytes]
    mobile_sealed: Mapped[bytes | None]
    mobile_index: Mapped[bytes | None] = mapped_column(index=True)
    email_sealed: Mapped[bytes | None]
    email_index: Mapped[bytes | None] = mapped_column(index=True)
    choice: Mapped[Choice] = mapped_column(words(Choice))
    """How the member wants to be reached."""
    language: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    """None: not known; then the group's clock and the number's own both count."""
    number_zones: Mapped[list[str]]
    """The zones that the mobile's area code lies in."""
    shares_phone: Mapped[bool] = mapped_column(default=False)
    others_read: Mapped[bool] = mapped_column(default=False)
    """Somebody else may read what comes to this phone or mailbox."""
    may_text: Mapped[bool] = mapped_column(default=True)
    may_email: Mapped[bool] = mapped_column(default=True)
    may_call: Mapped[bool] = mapped_column(default=True)
    may_leave_voicemail: Mapped[bool] = mapped_column(default=False)
    safe_from: Mapped[time | None]
    safe_until: Mapped[time | None]
    """Hours, on their own clock, outside of which nothing may reach them."""
    safe_asked_on: Mapped[date | None]
    """When they were last asked which ways are safe."""
    adult_on: Mapped[date | None]
    """Under age until then. None: of age."""
    minor_route: Mapped[MinorRoute | None] = mapped_column(words(MinorRoute))
    minor_note_sealed: Mapped[bytes | None]
    paused_until: Mapped[datetime | None]
    """Until then only what is urgent is sent."""
    stopped_at: Mapped[datetime | None]
    """From then on staff have stopped everything for this member."""
    stop_reason_sealed: Mapped[bytes | None]
    erased_at: Mapped[datetime | None]
    """Who they were and what they wrote is gone since then; the row counts."""
    number_doubt: Mapped[NumberDoubt | None] = mapped_column(words(NumberDoubt))
    """Texts are on hold: the number may be another's by now."""
    number_checked_at: Mapped[datetime | None]
    """When staff last asked whether it is still theirs."""
    created_at: Mapped[datetime]

    name = Sealed()
    stop_reason = Sealed()
    mobile = Sealed()
    email = Sealed()
    minor_note = Sealed()
    """Whose phone it is, and who may see the replies."""
    reached_note = Sealed()
    """Who agreed that this companion is told, and when."""

    reached_for: Mapped["Member | None"] = relationship(remote_side="Member.id")

    def set_mobile(self, mobile: str, number_zones: Collection[str]) -> None:
        """Consents stay with the number they were given for: a new number starts without any."""
        self.mobile = mobile
        self.mobile_index = index_of(Channel.SMS, mobile) if mobile else None
        self.number_zones = list(number_zones)
        self.number_doubt = self.number_checked_at = None

    def set_email(self, email: str) -> None:
        self.email = email
        self.email_index = index_of(Channel.EMAIL, email) if email else None

    def address(self, channel: Channel) -> str:
        """The number or address, or "" where there is none."""
        return self.mobile if channel is Channel.SMS else self.email

    def address_index(self, channel: Channel) -> bytes | None:
        return self.mobile_index if channel is Channel.SMS else self.email_index

    @property
    def zone(self) -> ZoneInfo | None:
        """None: nobody said it, or it is a place that is known no more."""
        return known_zone(self.time_zone)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels of the member's choice that there is an address for."""
        return tuple(channel for channel in self.choice.channels if self.address_index(channel) is not None)

    @property
    def is_companion(self) -> bool:
        return self.reached_for_id is not None

    @property
    def belongs_as(self) -> UUID:
        """The member whose enrolments count: a companion's are those of the member they are reached for."""
        return self.reached_for_id or self.id

    @property
    def asked(self) -> tuple[Purpose, ...]:
        """What they may be asked to agree to."""
        return ASKED_OF_COMPANIONS if self.is_companion else ASKED

    @property
    def has_no_ground(self) -> bool:
        """Under age, and it is not on record on what ground they are written to."""
        return self.adult_on is not None and self.minor_route is None

    @property
    def stays_discreet(self) -> bool:
        """Texts to this phone name no group, whatever was chosen: somebody else reads them."""
        return self.is_companion or self.shares_phone or self.others_read

    @property
    def barred(self) -> Mapping[Channel, Refusal]:
        """The channels on which nothing goes, whatever was agreed to."""
        if self.has_no_ground:
            return dict.fromkeys(Channel, Refusal.MINOR)
        if self.may_text and self.may_email and self.number_doubt is None:
            return NOTHING
        safe = {Channel.SMS: self.may_text, Channel.EMAIL: self.may_email}
        unsafe = {channel: Refusal.NOT_SAFE for channel in Channel if not safe[channel]}
        doubted = {Channel.SMS: Refusal.NUMBER_DOUBT} if self.number_doubt else {}
        return {**doubted, **unsafe}

    @classmethod
    def there(cls) -> Select[Self]:
        """Those who were not erased, companions too."""
        return select(cls).where(cls.erased_at.is_(None))

    @classmethod
    def of_groups(cls) -> Select[Self]:
        """Those who can belong to a group."""
        return cls.there().where(cls.reached_for_id.is_(None))

    @classmethod
    def companions_of(cls, member_ids: Collection[UUID]) -> Select[Self]:
        return select(cls).where(cls.reached_for_id.in_(member_ids)).order_by(cls.created_at, cls.id)

    @classmethod
    def with_mobile(cls, mobile_index: bytes) -> Select[Self]:
        return select(cls).where(cls.mobile_index == mobile_index).order_by(cls.id)


class Consent(Base):
    """One yes or no of a member, for one channel and purpose, with when and how. Added, never changed."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_member_id_channel_purpose", "member_id", "channel", "purpose"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    channel: Mapped[Channel] = mapped_column(words(Channel))
    purpose: Mapped[Purpose] = mapped_column(words(Purpose))
    is_yes: Mapped[bool]
    address_index: Mapped[bytes]
    """The number or address it was given for. It does not follow the member to another."""
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    method: Mapped[str] = mapped_column(String(40))
    """page, paper, voice, text START, text STOP, unsubscribe link ..."""
    taken_by: Mapped[str] = mapped_column(String(80))
    """The staff id, or the words of an imported row."""
    wording: Mapped[str] = mapped_column(String(2000))
    """What the member was shown or read, word for word."""
    version: Mapped[str] = mapped_column(String(12), default="")
    """Of the words: the beginning of their hash."""
    language: Mapped[str] = mapped_column(String(2))
    proof_sealed: Mapped[bytes | None]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    proof = Sealed()
    """The address, the member's own words, where the paper lies: as JSON."""

    @property
    def id(self) -> str:
        """What the sealed proof is bound to: no two rows follow the same one, and it is known before the number is."""
        return self.previous_hash

    @classmethod
    def of(cls, member_ids: Collection[UUID]) -> Select[Self]:
        """Oldest first: of one channel and purpose, the last one counts."""
        return select(cls).where(cls.member_id.in_(member_ids)).order_by(cls.seq)

    @classmethod
    def last_words(cls) -> Select[UUID, int, Channel, Purpose, bool, bytes]:
        """Of the members `ids`, about the `purposes`. Only what a decision needs of each, oldest first."""
        columns = (cls.member_id, cls.seq, cls.channel, cls.purpose, cls.is_yes, cls.address_index)
        return select(*columns).where(among(cls.member_id, "ids"), among(cls.purpose, "purposes")).order_by(cls.seq)


class Suppression(Identified):
    """An address that must not be written to, until the member themselves lifts it. Outlives the member's own row."""

    __tablename__ = "suppressions"
    __table_args__ = (Index("ix_suppressions_address_index", "address_index", "channel"),)

    channel: Mapped[Channel] = mapped_column(words(Channel))
    address_index: Mapped[bytes]
    reason: Mapped[str] = mapped_column(String(80))
    since: Mapped[datetime]
    lifted_at: Mapped[datetime | None]

    @classmethod
    def in_force(cls) -> Select[Self]:
        """Of the addresses that are looked up by these `indexes`."""
        return select(cls).where(among(cls.address_index, "indexes"), cls.lifted_at.is_(None))


class Invitation(Identified):
    """The purposes a member asked for, to be confirmed by START from their own number."""

    __tablename__ = "invitations"

    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"), index=True)
    channel: Mapped[Channel] = mapped_column(words(Channel))
    address_index: Mapped[bytes] = mapped_column(index=True)
    purposes: Mapped[list[str]]
    wording: Mapped[str] = mapped_column(String(2000), default="")
    """What the member was shown before they were asked, and the question."""
    proof_sealed: Mapped[bytes | None]
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]

    proof = Sealed()
    """The page and the browser in which they ticked the boxes, as JSON."""

    @classmethod
    def open_for(cls, address_index: bytes, now: datetime) -> Select[Self]:
        """The newest last."""
        query = select(cls).where(cls.address_index == address_index, cls.accepted_at.is_(None), cls.expires_at > now)
        return query.order_by(cls.asked_at, cls.id)


class Link(Identified):
    """A secret address for one person and one purpose. We keep its hash; opening it changes nothing."""

    __tablename__ = "links"

    token_hash: Mapped[bytes] = mapped_column(unique=True)
    purpose: Mapped[str] = mapped_column(String(24))
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"), index=True)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    delivery_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]

    @classmethod
    def usable(cls, token_hash: bytes, purpose: str, now: datetime) -> Select[Self]:
        return select(cls).where(
            cls.token_hash == token_hash,
            cls.purpose == purpose,
            cls.used_at.is_(None),
            cls.expires_at.is_(None) | (cls.expires_at > now),
        )
