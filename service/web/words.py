"""Times and states as staff read them."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g

from service.channels.twilio_codes import SAYS
from service.models import Delivery
from service.models.practice import Role
from service.rules.kinds import Kind
from service.rules.lifecycle import GIVEN_UP, PLAIN_WORDS, State

KIND_WORDS = {
    Kind.REMINDER: "Reminder",
    Kind.SAME_DAY: "Same-day reminder",
    Kind.REFLECTION: "Reflection question",
    Kind.CHECKIN: "Check-in",
    Kind.GOAL: "Goal question",
    Kind.MOVED: "Notice: moved",
    Kind.CANCELLED: "Notice: cancelled",
    Kind.INVITATION: "Invitation",
    Kind.NOTE: "Message from staff",
}
TONES = {
    State.DELIVERED: "good",
    State.ACCEPTED: "info",
    State.SENT: "info",
    State.SENDING: "info",
    State.UNKNOWN: "warn",
    State.UNDELIVERED: "bad",
    State.DEAD: "bad",
    State.EXPIRED: "warn",
    State.ASSUMED: "warn",
}
UNSETTLED = {
    State.SENDING: "leaving now",
    State.UNKNOWN: "being checked with the provider",
    State.ASSUMED: "the provider never said, so it was not sent again",
}

ROLE_WORDS = {
    Role.ADMIN: "Administrator",
    Role.FACILITATOR: "Facilitator",
    Role.COORDINATOR: "Coordinator",
    Role.ONCALL: "On call only",
}

MONTH_FIRST = frozenset({"US", "CA"})
TWELVE_HOURS = frozenset({"US", "CA", "AU", "NZ"})


def filters() -> dict[str, Callable[..., Any]]:
    return {
        "date": whole_date,
        "day": day,
        "clock": clock,
        "moment": moment,
        "ago": ago,
        "fate": fate,
        "tone": tone,
        "kind": kind,
        "role": role,
    }


def day(value: date | datetime, zone: ZoneInfo | None = None) -> str:
    """Tue 1 Dec, or Tue Dec 1 where the practice's country says it so."""
    on = value.astimezone(zone) if isinstance(value, datetime) and zone else value
    return f"{on:%a %b} {on.day}" if _country() in MONTH_FIRST else f"{on:%a} {on.day} {on:%b}"


def whole_date(value: date | datetime) -> str:
    """A day of any year: 1 Dec 2026, or Dec 1 2026."""
    on = value.date() if isinstance(value, datetime) else value
    return f"{on:%b} {on.day} {on.year}" if _country() in MONTH_FIRST else f"{on.day} {on:%b} {on.year}"


def clock(value: datetime | time, zone: ZoneInfo | None = None) -> str:
    """18:00, or 6:00 PM."""
    at = value.astimezone(zone) if isinstance(value, datetime) and zone else value
    return f"{at.hour % 12 or 12}:{at:%M %p}" if _country() in TWELVE_HOURS else f"{at:%H:%M}"


def moment(value: datetime, zone: ZoneInfo) -> str:
    """Tue 1 Dec at 18:00, on the given clock."""
    return f"{day(value, zone)} at {clock(value, zone)}"


def ago(value: datetime, now: datetime) -> str:
    passed = now - value
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{round(passed / timedelta(minutes=1))} min ago"
    if passed < timedelta(days=1):
        return f"{round(passed / timedelta(hours=1))} h ago"
    days = round(passed / timedelta(days=1))
    return f"{days} day{'' if days == 1 else 's'} ago"


def fate(delivery: Delivery, zone: ZoneInfo) -> str:
    """What became of a delivery, in plain words and with its reason."""
    if delivery.state is State.SCHEDULED:
        held = delivery.next_at > delivery.due_at
        return f"{'Held until' if held else 'Waiting for'} {moment(delivery.next_at, zone)}"
    words = PLAIN_WORDS[delivery.state]
    if delivery.state in UNSETTLED:
        return f"{words}: {UNSETTLED[delivery.state]}"
    explains = delivery.state in GIVEN_UP or delivery.state is State.UNDELIVERED
    return f"{words}: {said_by_provider(delivery.reason)}" if explains and delivery.reason else words


def said_by_provider(reason: str) -> str:
    """A reason that ends in one of Twilio's codes, said as a sentence; the code stays for whoever looks it up."""
    code = reason.rpartition(" ")[2]
    said = SAYS.get(int(code)) if code.isdecimal() else None
    return f"{said} ({reason})" if said else reason


def _country() -> str:
    """The practice's, as the page's context has noted it."""
    return str(g.get("country", ""))


def tone(delivery: Delivery) -> str:
    return TONES.get(delivery.state, "")


def kind(value: Kind) -> str:
    return KIND_WORDS[value]


def role(value: Role) -> str:
    return ROLE_WORDS[value]
