"""The kinds of message: what each is for, when it is due, until when it is of use, and how it goes out."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from service.rules.consent import Channel, Choice, Purpose
from service.rules.quiet_hours import Action, Slot, Window, notice_slot, prompt_slot, reminder_slot
from service.rules.recurrence import starts_at as wall_clock


class Kind(StrEnum):
    REMINDER = "reminder"
    SAME_DAY = "same_day"
    REFLECTION = "reflection"
    CHECKIN = "checkin"
    GOAL = "goal"
    MOVED = "moved"
    CANCELLED = "cancelled"
    INVITATION = "invitation"
    NOTE = "note"
    """Written by staff, to one or all of a group."""


class Anchor(StrEnum):
    BEFORE = "before"
    """Before the start of the session."""
    AFTER = "after"
    """After its end."""


class Via(StrEnum):
    CHOICE = "choice"
    SMS = "sms"
    EMAIL = "email"
    BOTH = "both"

    def channels(self, choice: Choice) -> tuple[Channel, ...]:
        """The channels a rule uses for a member: never one the member did not choose."""
        if self is Via.CHOICE:
            return choice.channels
        return tuple(channel for channel in Choice(self.value).channels if channel in choice.channels)


class WhenUnknown(StrEnum):
    """What to do when nobody can find out whether a message went."""

    LEAVE = "leave"
    """Not again on this channel."""
    AGAIN = "again"
    """Once more: a second copy is better than a journey for nothing."""


@dataclass(frozen=True)
class Timing:
    """When a rule's message is due: elapsed minutes, or calendar days at a time on the group's clock."""

    anchor: Anchor
    minutes: int | None = None
    days: int | None = None
    at: time | None = None

    def due_at(self, starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> datetime:
        """In UTC."""
        if self.minutes is not None:
            elapsed = timedelta(minutes=self.minutes)
            return starts_at - elapsed if self.anchor is Anchor.BEFORE else ends_at + elapsed
        days = timedelta(days=self.days or 0)
        day: date = starts_at.astimezone(zone).date()
        on = day - days if self.anchor is Anchor.BEFORE else day + days
        return wall_clock(on, self.at or time(12), zone)


@dataclass(frozen=True)
class Nature:
    """What all messages of one kind have in common."""

    purpose: Purpose | None
    """The consent it needs; None: it may go without, as the question for consent does."""
    is_urgent: bool
    """Reminders and notices before prompts."""
    when_unknown: WhenUnknown
    is_capped: bool = True
    useful_for: timedelta | None = None
    """After it was to go out; None: up to shortly before the session."""
    falls_back: bool = False
    """Goes out on the other channel where it did not arrive on this one."""
    is_prompt: bool = False
    """Asks for words of the member's own, and leaves them alone once they have not come."""


SHORTLY = timedelta(minutes=10)
"""A reminder that comes later than this before the start reaches nobody in time."""

NATURES = {
    Kind.REMINDER: Nature(Purpose.REMINDER, True, WhenUnknown.LEAVE, falls_back=True),
    Kind.SAME_DAY: Nature(Purpose.REMINDER, True, WhenUnknown.LEAVE, falls_back=True),
    Kind.REFLECTION: Nature(
        Purpose.REFLECTION, False, WhenUnknown.LEAVE, useful_for=timedelta(hours=2), is_prompt=True
    ),
    Kind.CHECKIN: Nature(Purpose.CHECKIN, False, WhenUnknown.LEAVE, useful_for=timedelta(hours=2), is_prompt=True),
    Kind.GOAL: Nature(Purpose.CHECKIN, False, WhenUnknown.LEAVE, useful_for=timedelta(hours=2), is_prompt=True),
    Kind.MOVED: Nature(Purpose.REMINDER, True, WhenUnknown.AGAIN, is_capped=False, falls_back=True),
    Kind.CANCELLED: Nature(
        Purpose.REMINDER, True, WhenUnknown.AGAIN, is_capped=False, useful_for=timedelta(days=30), falls_back=True
    ),
    Kind.INVITATION: Nature(None, True, WhenUnknown.LEAVE, is_capped=False, useful_for=timedelta(days=1)),
    Kind.NOTE: Nature(Purpose.REMINDER, True, WhenUnknown.LEAVE, useful_for=timedelta(days=1)),
}

REMINDERS = frozenset({Kind.REMINDER, Kind.SAME_DAY})
PROMPTS = frozenset(kind for kind, nature in NATURES.items() if nature.is_prompt)


@dataclass(frozen=True)
class DefaultRule:
    """A rule that a new group starts with."""

    kind: Kind
    timing: Timing
    stop_if_answered: bool = False
    is_on: bool = True


DEFAULT_RULES = (
    DefaultRule(Kind.REMINDER, Timing(Anchor.BEFORE, minutes=72 * 60), stop_if_answered=True),
    DefaultRule(Kind.REMINDER, Timing(Anchor.BEFORE, minutes=24 * 60), stop_if_answered=True),
    DefaultRule(Kind.SAME_DAY, Timing(Anchor.BEFORE, minutes=3 * 60), stop_if_answered=True),
    DefaultRule(Kind.REFLECTION, Timing(Anchor.AFTER, minutes=18 * 60)),
    DefaultRule(Kind.CHECKIN, Timing(Anchor.AFTER, days=3, at=time(12))),
    DefaultRule(Kind.GOAL, Timing(Anchor.AFTER, days=5, at=time(12)), is_on=False),
)


@dataclass(frozen=True)
class Occasion:
    """The facts about one session and one member's clock that a message's hour depends on."""

    starts_at: datetime
    ends_at: datetime
    window: Window
    known_from: datetime
    """When we first could have sent it: before that, nobody had agreed or the session was not there."""
    next_starts_at: datetime | None = None


def slot(kind: Kind, due_at: datetime, occasion: Occasion) -> Slot:
    """When a message goes out, quiet hours kept: reminders to the nearest useful hour, prompts only later."""
    if kind in REMINDERS:
        return reminder_slot(due_at, occasion.starts_at, occasion.known_from, occasion.window)
    if kind in PROMPTS:
        return prompt_slot(due_at, occasion.next_starts_at, occasion.window)
    if kind in (Kind.INVITATION, Kind.NOTE):
        opening = occasion.window.next_opening(due_at)
        return Slot(Action.SKIP if opening is None else Action.SEND, opening)
    return notice_slot(due_at, occasion.starts_at, occasion.window)


def expires_at(kind: Kind, send_at: datetime, starts_at: datetime | None) -> datetime:
    """From when the message is of no more use."""
    useful_for = NATURES[kind].useful_for
    if kind is Kind.CANCELLED and starts_at is not None:
        return starts_at + timedelta(minutes=30)
    if useful_for is None and starts_at is not None:
        return starts_at - SHORTLY
    return send_at + (useful_for or timedelta(days=1))
