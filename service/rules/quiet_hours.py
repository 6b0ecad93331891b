"""When messages may arrive, and where a message goes that is due outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from service.rules.recurrence import starts_at as instant

BEFORE_CLOSING = timedelta(minutes=15)
"""How long before the window closes a message that is moved earlier leaves."""
REMINDER_LEAD = timedelta(minutes=90)
"""A reminder that was moved still comes this long before the start, or not at all."""
NOTICE_LEAD = timedelta(hours=2)
PROMPT_LEAD = timedelta(hours=2)
PROMPT_LATENESS = timedelta(hours=14)
DAYS_AHEAD = 8
INSTANT_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True)
class Window:
    """When messages may arrive: from `opens` up to `closes`, on every clock in `zones`.

    More than one zone where we do not know which is the member's. Raises ValueError unless it opens before it closes.
    """

    opens: time
    closes: time
    zones: tuple[ZoneInfo, ...]

    def __post_init__(self) -> None:
        if not self.opens < self.closes:
            raise ValueError("the window opens before it closes, on the same day")
        if not self.zones:
            raise ValueError("the window needs a clock")

    def allows(self, moment: datetime) -> bool:
        return all(self.opens <= moment.astimezone(zone).time() < self.closes for zone in self.zones)

    def next_opening(self, moment: datetime) -> datetime | None:
        """`moment` if it is allowed, else the next instant that is. In UTC.

        None where the clocks share no hour of the window in the next 8 days: a person has to call.
        """
        if self.allows(moment):
            return moment.astimezone(UTC)
        openings = self._readings(self.opens, moment, range(-1, DAYS_AHEAD + 1))
        return min((at for at in openings if at > moment and self.allows(at)), default=None)

    def next_closing(self, moment: datetime) -> datetime:
        """When the window closes next, on whichever clock is first. In UTC."""
        return min(at for at in self._readings(self.closes, moment, range(2)) if at > moment)

    def last_before(self, moment: datetime) -> datetime | None:
        """A quarter of an hour before the window last closed, at `moment` or earlier. In UTC.

        None where the clocks shared no hour of the window in the last 8 days.
        """
        closings = self._readings(self.closes, moment, range(-DAYS_AHEAD, 2))
        chances = (at - BEFORE_CLOSING for at in closings if at <= moment and self.allows(at - INSTANT_BEFORE))
        return max((at for at in chances if self.allows(at)), default=None)

    def _readings(self, clock: time, moment: datetime, days: range) -> Iterator[datetime]:
        """Each instant at which one of the clocks reads `clock`, on days counted from that of `moment`."""
        for zone in self.zones:
            today = moment.astimezone(zone).date()
            yield from (instant(today + timedelta(days=n), clock, zone) for n in days)


class Action(StrEnum):
    """What becomes of a message that is due."""

    SEND = "send"
    EARLIER = "earlier"
    LATER = "later"
    SKIP = "skip"
    CALL_TASK = "call_task"


@dataclass(frozen=True)
class Slot:
    """What to do with a message, and when it goes, in UTC; no time where it does not go."""

    action: Action
    send_at: datetime | None


SKIPPED = Slot(Action.SKIP, None)
CALL = Slot(Action.CALL_TASK, None)


def reminder_slot(due: datetime, starts_at: datetime, known_from: datetime | None, window: Window) -> Slot:
    """Where a reminder goes: when due, else at the nearest allowed time that still leaves 90 minutes.

    It is never sent before `known_from`, when it came to be: one due before that is due then. Of two times equally
    near, the earlier. With none left it is skipped; the flow then sends an email and tells staff.
    """
    due = max(due, known_from or due).astimezone(UTC)
    if due >= starts_at:
        return SKIPPED
    if window.allows(due):
        return Slot(Action.SEND, due)
    chances = (at for at in (window.last_before(due), window.next_opening(due)) if at is not None)
    useful = [at for at in chances if (known_from or at) <= at <= starts_at - REMINDER_LEAD]
    if not useful:
        return SKIPPED
    send_at = min(useful, key=lambda at: (abs(at - due), at))
    return Slot(Action.EARLIER if send_at < due else Action.LATER, send_at)


def prompt_slot(due: datetime, next_starts_at: datetime | None, window: Window) -> Slot:
    """Where a reflection prompt or a check-in goes: when due or later, by 14 hours at most, or nowhere.

    It is skipped where less than 2 hours would be left before the next meeting, if there is one.
    """
    due = due.astimezone(UTC)
    send_at = window.next_opening(due)
    if send_at is None or send_at - due > PROMPT_LATENESS:
        return SKIPPED
    if next_starts_at is not None and send_at > next_starts_at - PROMPT_LEAD:
        return SKIPPED
    return Slot(Action.SEND if send_at == due else Action.LATER, send_at)


def notice_slot(due: datetime, starts_at: datetime, window: Window) -> Slot:
    """Where the news of a cancelled or moved meeting goes: at once, or at opening if that leaves 2 hours.

    Otherwise a person calls. `starts_at` is the start that members still believe in, or the new one if it is earlier.
    """
    due = due.astimezone(UTC)
    if window.allows(due) and due < starts_at:
        return Slot(Action.SEND, due)
    send_at = window.next_opening(due)
    if send_at is None or send_at > starts_at - NOTICE_LEAD:
        return CALL
    return Slot(Action.LATER, send_at)
