"""When staff read replies, as a text says it: Mon-Fri 9-5."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Self
from zoneinfo import ZoneInfo

from service.rules.rows import NotReadable, text

LONGEST = 16
"""Letters that the texts leave room for."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHAPE = re.compile(
    r"(?P<days>[a-z]{3}(?:\s?[-,]\s?[a-z]{3})*)\s(?P<opens>[\d:apm]{1,7})\s?-\s?(?P<closes>[\d:apm]{1,7})"
)
HOUR = re.compile(r"(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d))?(?P<half>am|pm)?")
EARLIEST = 7
"""A smaller hour that says neither am nor pm is one of the afternoon: nobody reads replies at two in the night."""


@dataclass(frozen=True)
class ReadingHours:
    """From `opens` up to `closes` on these weekdays, Monday is 0, on the practice's clock."""

    days: frozenset[int]
    opens: time
    closes: time

    @classmethod
    def read(cls, words: str) -> Self:
        """Raises NotReadable."""
        found = SHAPE.fullmatch(words.strip().lower())
        days = _days(found["days"]) if found else frozenset()
        opens, closes = _hours(found["opens"], found["closes"]) if found else (None, None)
        if not days or opens is None or closes is None or opens >= closes:
            raise NotReadable("Write days and hours as a text says them: Mon-Fri 9-5, or Tue,Thu 10-16.")
        return cls(days, opens, closes)

    def cover(self, moment: datetime, zone: ZoneInfo) -> bool:
        clock = moment.astimezone(zone)
        return clock.weekday() in self.days and self.opens <= clock.time() < self.closes


def typed_hours(typed: str, *, needed: bool = True) -> str:
    """As they were typed: they stand so in texts. They must be hours all the same, for texts outside of them say so.

    Raises NotReadable.
    """
    words = text(typed, "when replies are read", LONGEST, needed=needed)
    if words:
        ReadingHours.read(words)
    return words


def _days(words: str) -> frozenset[int]:
    """None at all where one of them is no weekday."""
    days: set[int] = set()
    for part in re.split(r"\s?,\s?", words):
        ends = re.split(r"\s?-\s?", part)
        if len(ends) > 2 or not set(ends) <= set(DAYS):
            return frozenset()
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days.update(number % 7 for number in range(first, last + (7 if last < first else 0) + 1))
    return frozenset(days)


def _hours(opens: str, closes: str) -> tuple[time | None, time | None]:
    first, last = _hour(opens), _hour(closes)
    if first is not None and last is not None and last <= first and last.hour < 12 and not closes.endswith("m"):
        last = last.replace(hour=last.hour + 12)
    return first, last


def _hour(words: str) -> time | None:
    found = HOUR.fullmatch(words)
    hour = int(found["hour"]) if found else 24
    half = found["half"] if found else None
    if hour > 23 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif hour < EARLIEST and ":" not in words:
        hour += 12
    return time(hour, int(found["minute"] or 0) if found else 0)
