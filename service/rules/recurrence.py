"""The dates of a series, and what a wall clock means on a given day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, rrule, weekday


class Frequency(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Recurrence:
    """The dates of a series: every n weeks, or every n months on the same nth weekday as the first date.

    A first date on the 29th or later is the fifth of its weekday, and counts as the last one of each month.
    `count` is the number of sessions held: "12 sessions" with one week skipped still gives twelve, a week later.
    With `count` and `until`, whichever comes first ends the series. Raises ValueError for `every` or `count` below 1.
    """

    starts_on: date
    frequency: Frequency = Frequency.WEEKLY
    every: int = 1
    count: int | None = None
    until: date | None = None
    skips: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("a series comes back every 1 or more weeks or months")
        if self.count is not None and self.count < 1:
            raise ValueError("a series has at least 1 date")

    def dates(self, first: date, last: date) -> list[date]:
        """The dates from `first` to `last`, both included, without those skipped."""
        last = min(last, self.until or last)
        if self.frequency is Frequency.MONTHLY:
            return [day for day in self._held_monthly(last) if day >= first]
        return list(self._held_weekly(first, last))

    def _held_weekly(self, first: date, last: date) -> Iterator[date]:
        start, step = self.starts_on.toordinal(), 7 * self.every
        begin = start + max(0, -((start - first.toordinal()) // step)) * step
        held_before = (begin - start) // step - sum(self._is_weekly(day, before=begin) for day in self.skips)
        days = map(date.fromordinal, range(begin, last.toordinal() + 1, step))
        left = None if self.count is None else max(0, self.count - held_before)
        return islice((day for day in days if day not in self.skips), left)

    def _is_weekly(self, day: date, before: int) -> bool:
        start, ordinal = self.starts_on.toordinal(), day.toordinal()
        return start <= ordinal < before and (ordinal - start) % (7 * self.every) == 0

    def _held_monthly(self, last: date) -> Iterator[date]:
        nth = (self.starts_on.day + 6) // 7
        rule = rrule(
            MONTHLY,
            interval=self.every,
            byweekday=weekday(self.starts_on.weekday(), nth if nth < 5 else -1),
            dtstart=datetime.combine(self.starts_on, time.min),
            until=datetime.combine(last, time.min),
        )
        return islice((moment.date() for moment in rule if moment.date() not in self.skips), self.count)


class WallTime(StrEnum):
    """How often a clock on the wall shows a time on a date: once, never, or twice."""

    ORDINARY = "ordinary"
    GAP = "gap"
    OVERLAP = "overlap"


def starts_at(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a time on the wall.

    A time that the clocks skip is later by as much as they skip (02:30 becomes 03:30); of a time that comes twice,
    the first is meant.
    """
    return datetime.combine(on, at.replace(fold=0), zone).astimezone(UTC)


def wall_time(on: date, at: time, zone: ZoneInfo) -> WallTime:
    """Whether a time on the wall exists on that date, and only once: a form refuses a gap and asks at an overlap."""
    first = datetime.combine(on, at.replace(fold=0), zone)
    second = first.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return WallTime.ORDINARY
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != first.replace(tzinfo=None):
        return WallTime.GAP
    return WallTime.OVERLAP
