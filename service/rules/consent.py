"""May this member be messaged on this channel for this purpose, and if not, why not."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class Choice(StrEnum):
    """How a member wants to be reached."""

    SMS = "sms"
    EMAIL = "email"
    BOTH = "both"
    NONE = "none"

    @property
    def channels(self) -> tuple[Channel, ...]:
        return {
            Choice.SMS: (Channel.SMS,),
            Choice.EMAIL: (Channel.EMAIL,),
            Choice.BOTH: (Channel.SMS, Channel.EMAIL),
            Choice.NONE: (),
        }[self]


class Purpose(StrEnum):
    """What a consent is for: each is asked for and answered on its own."""

    REMINDER = "reminder"
    REFLECTION = "reflection"
    CHECKIN = "checkin"
    ENCOURAGEMENT = "encouragement"
    MEASURES = "measures"
    DETAILED = "detailed"
    """Of no messages of its own: reminders by text may name the group and the place. Without it they are discreet."""


ASKED = (Purpose.REMINDER, Purpose.REFLECTION, Purpose.CHECKIN)
"""What members are asked for: there are messages of these."""
ASKED_OF_COMPANIONS = (Purpose.REMINDER,)
MESSAGES = tuple(purpose for purpose in Purpose if purpose is not Purpose.DETAILED)


class Refusal(StrEnum):
    """Why a message is not sent. Stored with the delivery, and shown to staff in these words."""

    NO_ADDRESS = "no number or address"
    NO_CONSENT = "no consent on record"
    OPTED_OUT = "opted out"
    NOT_CHOSEN = "channel not chosen by the member"
    SESSION_CANCELLED = "session cancelled"
    SESSION_MOVED = "session moved"
    SESSION_STARTED = "session has started"
    NOT_ENROLLED = "no longer in the group"
    AWAY = "on leave"
    ANSWERED = "already answered"
    CANNOT_COME = "said they can't come"
    NOT_THERE = "was not at the session"
    RULE_OFF = "rule switched off"
    PAUSED = "paused by the member"
    CAP = "the most messages for a day or a week are reached"
    TOO_LATE = "too late"
    STOPPED = "stopped by staff"
    HALTED = "everything stopped for this member by staff"
    FLAGGED = "waits: a message of theirs needs a person"
    ONE_WAY = "the group's texts are one-way"
    NOT_STAFFED = "waits: nobody on call has answered a test"
    NO_TEXT = "no text in the member's language"
    NOT_SAFE = "not safe to contact this way"
    MINOR = "under age, and no legal ground on record"
    NUMBER_DOUBT = "waits: the number may be another's by now"
    SAME_ADDRESS = "goes to the member at the same number or address"
    SCHEDULE_ONLY = "only the schedule goes to them"


class MinorRoute(StrEnum):
    """On what legal ground somebody under age is written to."""

    MINOR = "minor"
    """The law here lets them agree themselves."""
    GUARDIAN = "guardian"


class Companion(StrEnum):
    """What somebody is to the member whose schedule they are told. They are asked for their own consent."""

    GUARDIAN = "guardian"
    CARER = "carer"
    INTERPRETER = "interpreter"


class NumberDoubt(StrEnum):
    """Why a number may be another's by now."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"


class Given(Protocol):
    """A row of the consent ledger, as far as a decision needs it."""

    seq: int
    channel: Channel
    purpose: Purpose
    is_yes: bool
    address_index: bytes


@dataclass(frozen=True)
class Standing:
    """What a member agrees to at present: the last word on each channel and purpose, for each address."""

    rows: Mapping[tuple[Channel, Purpose, bytes], Given]
    suppressed: frozenset[tuple[Channel, bytes]]
    barred: Mapping[Channel, Refusal]
    """What speaks against a channel whatever was agreed to: it is not safe, or they are under age."""

    @classmethod
    def of(
        cls,
        rows: Iterable[Given],
        suppressed: Collection[tuple[Channel, bytes]],
        barred: Mapping[Channel, Refusal] = MappingProxyType({}),
    ) -> "Standing":
        """`rows` oldest first."""
        last = {(row.channel, row.purpose, row.address_index): row for row in rows}
        return cls(last, frozenset(suppressed), barred)

    def consent(self, channel: Channel, purpose: Purpose, address_index: bytes) -> Given | None:
        """The row under which a message may go, or None."""
        row = self.rows.get((channel, purpose, address_index))
        return row if row is not None and row.is_yes else None

    def is_suppressed(self, channel: Channel, address_index: bytes) -> bool:
        return (channel, address_index) in self.suppressed

    def refusal(self, channel: Channel, purpose: Purpose | None, address_index: bytes | None) -> Refusal | None:
        """Why not, or None: it may be sent. An opt-out counts before everything that was agreed to.

        Without a purpose it is the question for consent itself.
        """
        if address_index is None:
            return Refusal.NO_ADDRESS
        if self.is_suppressed(channel, address_index):
            return Refusal.OPTED_OUT
        if channel in self.barred:
            return self.barred[channel]
        if purpose is None:
            return None
        return None if self.consent(channel, purpose, address_index) else Refusal.NO_CONSENT

    def wants_detail(self, mobile_index: bytes | None) -> bool:
        """Whether texts to this number may name the group and the place: only a yes of its own says so."""
        return mobile_index is not None and self.consent(Channel.SMS, Purpose.DETAILED, mobile_index) is not None

    def agreed(self, channel: Channel, address_index: bytes | None) -> tuple[Purpose, ...]:
        """The purposes in force of which there are messages on this channel; none while it is suppressed, or barred."""
        if address_index is None or channel in self.barred or self.is_suppressed(channel, address_index):
            return ()
        return tuple(purpose for purpose in MESSAGES if self.consent(channel, purpose, address_index))
