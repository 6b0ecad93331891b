"""What people type, value by value: a date, a time, a zone, a number, or the sentence that says how to write it."""

import re
import zoneinfo
from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from service.rules import wording
from service.rules.segments import Encoding, count, to_gsm7

T = TypeVar("T")

Day = TypeVar("Day", bound=date)

QUOTED = 40
"""Characters."""
FEWEST_DIGITS = 7
USUAL_ZONES = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles"),
    *("America/Anchorage", "Pacific/Honolulu", "America/St_Johns", "America/Halifax", "America/Toronto"),
    *("America/Winnipeg", "America/Edmonton", "America/Vancouver", "Europe/London", "Europe/Dublin", "Europe/Madrid"),
    *("Atlantic/Canary", "Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Perth"),
    "Pacific/Auckland",
)
YEARS = range(1900, 2200)


class NotReadable(ValueError):
    """The text is the sentence for the person who typed it."""


def read(errors: dict[str, str], field: str, reader: Callable[[], T], default: T) -> T:
    """What `reader` reads; where it cannot, its sentence goes into `errors` under this field."""
    try:
        return reader()
    except ValueError as error:
        errors[field] = str(error) if isinstance(error, NotReadable) else str(error) or "This cannot be read."
        return default


def text(value: str, name: str, most: int, *, needed: bool = True) -> str:
    value = " ".join(value.split())
    if needed and not value:
        raise NotReadable(f"Enter {name}.")
    if len(value) > most:
        raise NotReadable(f"Use at most {most} characters.")
    if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in value):
        raise NotReadable("Remove hidden characters.")
    return value


def sender_label(value: str, *, needed: bool = True) -> str:
    """The name that opens every text: whoever sees the screen reads it."""
    label = text(value, "a neutral name", 16, needed=needed)
    if found := wording.problems(label):
        raise NotReadable(f"“{found[0].words}” tells whoever sees the screen what it is about. Try “Oak St Office”.")
    if count(to_gsm7(label)).encoding is not Encoding.GSM7:
        raise NotReadable("Use plain letters: a sign like this makes every text cost twice as much.")
    return label


def lines(value: str, most: int) -> str:
    """A text of several lines, without hidden characters."""
    value = "\n".join(line.strip() for line in value.strip().splitlines())
    if len(value) > most:
        raise NotReadable(f"Use at most {most} characters.")
    if any((ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 for char in value):
        raise NotReadable("Remove hidden characters.")
    return value


def iso_date(value: str) -> date:
    try:
        read_on = date.fromisoformat(value)
    except ValueError:
        read_on = None
    if read_on is None or len(value) != 10:
        raise _no_date(value)
    return of_our_time(read_on)


def of_our_time(day: Day) -> Day:
    """Years in which every instant has a name in every time zone."""
    if day.year not in YEARS:
        raise NotReadable(f"Choose a year from {YEARS[0]} to {YEARS[-1]}.")
    return day


def _no_date(value: str) -> NotReadable:
    if not value:
        return NotReadable("Enter a date, like 2027-03-28.")
    return NotReadable(f"{quoted(value)} is not a date. Write it like 2027-03-28.")


def quoted(value: str) -> str:
    """What was typed, to be named in a sentence: its beginning where it is long."""
    return f"{value[:QUOTED]}..." if len(value) > QUOTED else value or "Nothing"


def optional_date(value: str) -> date | None:
    return iso_date(value) if value else None


def iso_dates(value: str) -> frozenset[date]:
    """Dates apart by spaces, commas or lines. What is none is named as it was written: `31 Dec`, not `31`."""
    dates: set[date] = set()
    for written in re.split(r"[,;\n]", value):
        try:
            dates.update(iso_date(part) for part in written.split())
        except NotReadable:
            raise _no_date(written.strip()) from None
    return frozenset(dates)


def clock_time(value: str) -> time:
    if not value:
        raise NotReadable("Enter a time, like 18:30.")
    hours, _, minutes = value.partition(":")
    has_shape = hours.isascii() and hours.isdecimal() and minutes.isascii() and minutes.isdecimal()
    if not (has_shape and len(minutes) == 2 and len(hours) <= 2 and int(hours) < 24 and int(minutes) < 60):
        raise NotReadable(f"{quoted(value)} is not a time. Write it like 18:30.")
    return time(int(hours), int(minutes))


def whole(value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and least <= int(value) <= most):
        raise NotReadable(f"Enter a whole number from {least} to {most}.")
    return int(value)


def zone(value: str) -> str:
    if value not in zones():
        raise NotReadable(f"{quoted(value)} is not a time zone we know. Use a name like Europe/London.")
    return value


@cache
def zones() -> frozenset[str]:
    """City zones only: `EST` never changes its clocks, and `posixrules` is no place."""
    return frozenset(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and name.split("/")[0] not in ("Etc", "posix", "right", "SystemV", "US")
    )


def zone_choices() -> list[str]:
    """All of them, those of the countries that we know first: 500 names are too many to look through."""
    return [*USUAL_ZONES, *sorted(zones() - set(USUAL_ZONES))]


def office_phone(value: str) -> str:
    """As members should dial it: texts print it as it stands."""
    number = text(value, "the office's number", 32)
    if sum(char.isdecimal() for char in number) < FEWEST_DIGITS:
        raise NotReadable("Enter the whole number, like 212-555-0123.")
    return number


def instant(value: str) -> datetime:
    """A date, with or without a time and a zone; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _no_date(value) from None
    return of_our_time(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC")))


def wall_moment(value: str) -> datetime:
    """A day and a time on a wall: `2027-03-28T17:59`, without a zone."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise NotReadable("Choose a date and a time, like 2027-03-28 17:59.")
    return of_our_time(moment)


def web_link(value: str) -> str:
    if value and not value.startswith(("https://", "http://")):
        raise NotReadable("Write the whole link, beginning with https://.")
    return text(value, "a link", 300, needed=False)
