"""How many messages a day and a week one number gets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Caps:
    per_day: int = 2
    per_week: int = 5

    def leave_room(self, earlier: Iterable[datetime], now: datetime, zone: ZoneInfo) -> bool:
        """Whether one more may go now, after those that went at `earlier`.

        Counted in the member's calendar days, today and the six before it: a message of last week's same weekday
        that went a moment later than planned does not stand in the way of this week's.
        """
        today = now.astimezone(zone).date()
        days = [moment.astimezone(zone).date() for moment in earlier]
        this_week = sum(today - day < WEEK for day in days)
        return days.count(today) < self.per_day and this_week < self.per_week
