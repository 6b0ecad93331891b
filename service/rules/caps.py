"""How many messages a day and a week one number gets, and which of them give way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS_COUNTED = 7


@dataclass(frozen=True)
class Caps:
    per_day: int = 2
    per_week: int = 5

    def leave_room(
        self, earlier: Iterable[datetime], now: datetime, zone: ZoneInfo, planned: Iterable[datetime] = ()
    ) -> bool:
        """Whether one more may go now, after those that went at `earlier` and besides those still `planned`.

        Counted in the member's calendar days, seven to a week: a message of last week's same weekday that went a
        moment later than planned does not stand in the way of this week's. A prompt is asked with the reminders that
        are planned, so that it gives way to them; a reminder with nothing but the reminders that went.
        """
        today = now.astimezone(zone).date()
        went = [moment.astimezone(zone).date() for moment in earlier]
        ahead = [moment.astimezone(zone).date() for moment in planned]
        if (went + ahead).count(today) >= self.per_day:
            return False
        ends = {today, *(day for day in ahead if today <= day < today + timedelta(days=DAYS_COUNTED))}
        return all(_in_week_to(end, went + ahead) < self.per_week for end in ends)


def _in_week_to(last: date, days: Iterable[date]) -> int:
    return sum(timedelta() <= last - day < timedelta(days=DAYS_COUNTED) for day in days)
