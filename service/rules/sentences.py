"""A rule as the sentence that staff read, and why a message goes out when it does."""

from datetime import time, timedelta

from service.rules.kinds import Anchor, Kind, Timing, Via
from service.rules.quiet_hours import Action

MESSAGES = {
    Kind.REMINDER: "a reminder",
    Kind.SAME_DAY: "a same-day reminder",
    Kind.REFLECTION: "a reflection question",
    Kind.CHECKIN: "a check-in (0 to 10)",
    Kind.GOAL: "a question about their goal (did, some, not yet)",
    Kind.MOVED: "notice of the new time",
    Kind.CANCELLED: "notice of the cancellation",
    Kind.INVITATION: "the question whether they want texts",
    Kind.NOTE: "what staff wrote",
}

BY = {
    Via.CHOICE: "by the member's choice",
    Via.SMS: "by text",
    Via.EMAIL: "by email",
    Via.BOTH: "by text and email",
}

MOVED_BY = {
    Action.EARLIER: ", earlier because of quiet hours",
    Action.LATER: ", held by quiet hours",
}


def timing(rule: Timing) -> str:
    """`24 hours before the session`, `3 days after the session at 12:00`."""
    side = "before the session" if rule.anchor is Anchor.BEFORE else "after the session"
    if rule.minutes is not None:
        return f"{_elapsed(timedelta(minutes=rule.minutes))} {side}"
    at = (rule.at or time(12)).strftime("%H:%M")
    if rule.days == 0:
        return f"on the day of the session at {at}"
    return f"{_many(rule.days or 0, 'day')} {side} at {at}"


def sentence(kind: Kind, when: Timing, via: Via, stop_if_answered: bool) -> str:
    """`24 hours before the session, send a reminder by the member's choice, unless they have answered.`"""
    words = timing(when)
    unless = ", unless they have answered" if stop_if_answered else ""
    return f"{words[0].upper()}{words[1:]}, send {MESSAGES[kind]} {BY[via]}{unless}."


def _elapsed(length: timedelta) -> str:
    minutes = round(length / timedelta(minutes=1))
    if minutes % 60:
        return _many(minutes, "minute")
    return _many(minutes // 60, "hour")


def _many(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
