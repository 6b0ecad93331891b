"""A row that describes a group and its series: from a file or a form, checked value by value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from zoneinfo import ZoneInfo

from service.rules import rows
from service.rules.recurrence import Frequency, Recurrence, WallTime, wall_time

COLUMNS = (
    *("group", "outside_name", "time_zone", "starts_on", "time", "minutes", "every_weeks", "count", "until", "skip"),
    *("place", "link", "facilitator_email", "capacity"),
)
NEEDED = ("group", "starts_on", "time")
MOST_SESSIONS = 104
YEARS_AHEAD = 2


@dataclass(frozen=True)
class Called:
    """What a group is called, where it meets, and how many members it has room for."""

    name: str
    outside_name: str
    place: str
    link: str
    capacity: int


@dataclass(frozen=True)
class GroupRow(Called):
    time_zone: str
    recurrence: Recurrence
    at: time
    minutes: int
    facilitator_email: str


def read_group(values: Mapping[str, str], today: date, default_zone: str) -> tuple[GroupRow | None, dict[str, str]]:
    """The group, or what is wrong by column."""
    errors: dict[str, str] = {}

    def value(name: str) -> str:
        return values.get(name, "").strip()

    called = _read_called(value, errors)
    zone = rows.read(errors, "time_zone", lambda: rows.zone(value("time_zone") or default_zone), default_zone)
    at = rows.read(errors, "time", lambda: rows.clock_time(value("time")), time())
    minutes = rows.read(errors, "minutes", lambda: rows.whole(value("minutes") or "90", 15, 480), 90)
    recurrence = _recurrence(errors, value, today)
    if recurrence is not None and not errors:
        _check_clock(errors, recurrence.starts_on, at, zone)
    if errors or recurrence is None:
        return None, errors
    row = GroupRow(
        name=called.name,
        outside_name=called.outside_name or f"{recurrence.starts_on:%A} group",
        place=called.place,
        link=called.link,
        capacity=called.capacity,
        time_zone=zone,
        recurrence=recurrence,
        at=at,
        minutes=minutes,
        facilitator_email=value("facilitator_email"),
    )
    return row, errors


def read_called(values: Mapping[str, str]) -> tuple[Called, dict[str, str]]:
    """What a group that is there is to be called from now on, and what is wrong by field."""
    errors: dict[str, str] = {}
    called = _read_called(lambda name: values.get(name, "").strip(), errors)
    if not called.outside_name:
        errors.setdefault("outside_name", "Enter a neutral name for outside.")
    return called, errors


def _read_called(value: Callable[[str], str], errors: dict[str, str]) -> Called:
    name = rows.read(errors, "group", lambda: rows.text(value("group"), "the group's name", 80), "")
    outside = rows.read(
        errors, "outside_name", lambda: rows.text(value("outside_name"), "a name", 40, needed=False), ""
    )
    place = rows.read(errors, "place", lambda: rows.text(value("place"), "a place", 120, needed=False), "")
    link = rows.read(errors, "link", lambda: rows.web_link(value("link")), "")
    capacity = rows.read(errors, "capacity", lambda: rows.whole(value("capacity") or "10", 1, 200), 10)
    return Called(name, outside, place, link, capacity)


def _recurrence(errors: dict[str, str], value: Callable[[str], str], today: date) -> Recurrence | None:
    starts_on = rows.read(errors, "starts_on", lambda: _start(value("starts_on"), today), today)
    frequency = Frequency.MONTHLY if value("every_weeks").lower() == "monthly" else Frequency.WEEKLY
    every_text = "1" if frequency is Frequency.MONTHLY else value("every_weeks") or "1"
    every = rows.read(errors, "every_weeks", lambda: rows.whole(every_text, 1, 12), 1)
    count = rows.read(errors, "count", lambda: _count(value("count")), None)
    until = rows.read(errors, "until", lambda: rows.optional_date(value("until")), None)
    none: frozenset[date] = frozenset()
    skips = rows.read(errors, "skip", lambda: rows.iso_dates(value("skip")), none)
    if count and until:
        errors["until"] = "Give a number of sessions or a last date, not both."
    if until and until < starts_on:
        errors["until"] = "The last date must not be before the first session."
    if errors.keys() & {"starts_on", "every_weeks", "count", "until", "skip"}:
        return None
    recurrence = Recurrence(starts_on, frequency, every, count, until, skips)
    if until and len(recurrence.dates(starts_on, until)) > MOST_SESSIONS:
        errors["until"] = f"A series can have at most {MOST_SESSIONS} sessions. Choose an earlier last date."
        return None
    return recurrence


def _start(text: str, today: date) -> date:
    starts_on = rows.iso_date(text)
    if abs(starts_on.year - today.year) > YEARS_AHEAD:
        raise rows.NotReadable(f"The first session must be within {YEARS_AHEAD} years of today.")
    return starts_on


def _count(text: str) -> int | None:
    return rows.whole(text, 1, MOST_SESSIONS) if text else None


def _check_clock(errors: dict[str, str], on: date, at: time, zone: str) -> None:
    """A first date whose hour the clocks skip or show twice is asked about; later dates of the series are shifted."""
    kind = wall_time(on, at, ZoneInfo(zone))
    if kind is WallTime.GAP:
        errors["time"] = f"{at:%H:%M} does not exist on {on} in {zone}: the clocks go forward. Choose another time."
    elif kind is WallTime.OVERLAP:
        errors["time"] = f"{at:%H:%M} happens twice on {on} in {zone}: the clocks go back. Choose another time."
