"""How long a break somebody asks for: PAUSE 2 weeks, PAUSE until Jan 20, PAUSA 10 dias. A fortnight unless they say."""

import re
from datetime import date, timedelta

from service.rules.phrases import fold

FORTNIGHT, LONGEST = timedelta(days=14), timedelta(days=90)

LENGTH = re.compile(
    r"\b(?:(\d{1,3})|(an?|one|una?|two|dos|three|tres|four|cuatro))\s+(day|dia|week|semana|month|mes)(?:s|es)?\b"
)
NUMBERS = {"a": 1, "an": 1, "one": 1, "un": 1, "una": 1, "two": 2, "dos": 2, "three": 3, "tres": 3, "four": 4}
DAYS = {"day": 1, "dia": 1, "week": 7, "semana": 7, "month": 30, "mes": 30}
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("jan ene", "feb", "mar", "apr abr", "may", "jun"),
            *("jul", "aug ago", "sep", "oct", "nov", "dec dic"),
        ),
        1,
    )
    for name in names.split()
}
DATE = re.compile(
    rf"\b(?:({'|'.join(MONTHS)})[a-z]*\s+(\d{{1,2}})|(\d{{1,2}})\s+(?:de\s+)?({'|'.join(MONTHS)})[a-z]*)\b"
)
ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


def pause_until(text: str, today: date) -> date:
    """The first day after the break: at least tomorrow, at most in 90 days."""
    said = fold(text[:200])
    length = _length(said)
    until = _date(said, today) or today + (FORTNIGHT if length is None else length)
    return min(max(until, today + timedelta(days=1)), today + LONGEST)


def _length(said: str) -> timedelta | None:
    found = LENGTH.search(said)
    if found is None:
        return None
    number = int(found[1]) if found[1] else NUMBERS.get(found[2], 4)
    return timedelta(days=number * DAYS[found[3]])


def _date(said: str, today: date) -> date | None:
    """A day in words, of this year or the next."""
    iso, named = ISO.search(said), DATE.search(said)
    try:
        if iso is not None:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if named is None:
            return None
        month, day = MONTHS[named[1] or named[4]], int(named[2] or named[3])
        this_year = date(today.year, month, day)
        return this_year if this_year > today else date(today.year + 1, month, day)
    except ValueError:  # there is no 31 February
        return None
