"""A message's words: from templates/messages/, with the few fields that a template may name."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name

from service.models import Group, GroupSession, Member, Practice
from service.rules.consent import Purpose
from service.rules.lines import LINES
from service.rules.segments import to_gsm7

PACKAGED = Path(__file__).parent / "_templates"
TEMPLATES = PACKAGED if PACKAGED.is_dir() else Path(__file__).parent.parent / "templates"
LANGUAGES = ("en", "es")
FIELDS = frozenset(
    {
        *("sender", "phone", "hours", "n", "crisis", "crisis_short", "danger", "postal_address"),
        *("day", "time", "next_day", "next_time", "group", "place", "link", "unsubscribe", "name", "words"),
    }
)
FIELD = re.compile(r"\{([a-z_]{1,20})\}")

LONGEST = {
    "day": "Wed Dec 30",
    "time": "12:30 PM PT",
    "next_day": "Wed Dec 30",
    "next_time": "12:30 PM PT",
    "group": "Thursday Circle",
    "place": "Rm 2, 14 Oak St",
}
"""The longest that the fields of a session become: what a preview is filled with. Of a group's name and place it is
what is usual: where they are longer its reminders stay discreet."""

LOCALES = {"US": "en_US", "CA": "en_CA", "GB": "en_GB", "IE": "en_IE", "AU": "en_AU", "NZ": "en_NZ", "ES": "en_GB"}
DAYS = {"en_US": "EEE MMM d", "en_CA": "EEE MMM d"}
"""Days and months in words: 10/12 is read two ways."""
ELSEWHERE = "EEE d MMM"
TIMES = {"US": "h:mm a", "CA": "h:mm a", "AU": "h:mm a", "NZ": "h:mm a"}
WEEKDAYS_ES = {"Mon": "lun", "Tue": "mar", "Wed": "mie", "Thu": "jue", "Fri": "vie", "Sat": "sab", "Sun": "dom"}


class MissingText(Exception):
    """There is no text of this key in this language."""


@dataclass(frozen=True)
class When:
    """A start as a member reads it: the venue's clock in person, their own online, its letters where they differ."""

    day: str
    time: str


def sms(key: str, practice: Practice, language: str, values: Mapping[str, str]) -> str:
    """The text of `key` in one encoding's worth of plain characters. Raises MissingText."""
    return to_gsm7(_filled(_template("sms", key, language), {**common(practice, language), **values}))


def language_of(key: str, practice: Practice, words: str) -> str | None:
    """In which language these words are this text of ours. None: they are another."""
    return next((language for language in LANGUAGES if sms(key, practice, language, {}) == words), None)


def page(key: str, practice: Practice, language: str, values: Mapping[str, str]) -> str:
    """The words of `key` as they stand on a member's page, beside its buttons. Raises MissingText."""
    return _filled(_template("page", key, language), {**common(practice, language), **values})


def email(key: str, practice: Practice, language: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and body. Raises MissingText."""
    subject, _, body = _template("email", key, language).partition("\n\n")
    return subject, _filled(body, {**common(practice, language), **values}).strip() + "\n"


def ours(medium: str, key: str, language: str) -> str:
    """Our own text, its fields not filled in. Raises MissingText."""
    return _template(medium, key, language)


def filled(medium: str, words: str, practice: Practice, language: str, values: Mapping[str, str]) -> str:
    """Words, staff's or ours, as they go out as a text or stand on a page. A field that has no value stays as it is."""
    known = {**common(practice, language), **values}
    text = FIELD.sub(lambda match: known.get(match[1], match[0]), words)
    return to_gsm7(text) if medium == "sms" else text


def staff(key: str, practice: Practice, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and words of what staff are sent: without a name, and without a word of what it is about."""
    subject, _, words = _template("staff", key, "en").partition("\n\n")
    return subject, to_gsm7(_filled(words, {**common(practice, "en"), **values}))


@dataclass(frozen=True)
class Offer:
    """What a member is asked to agree to: a sentence for each purpose, and what is true of all of them."""

    purposes: Mapping[Purpose, str]
    detail: str
    """The sentence beside the text that names the group and the place."""
    statements: tuple[str, ...]

    def of(self, purposes: Collection[Purpose]) -> "Offer":
        """Of these purposes alone."""
        of = {one: words for one, words in self.purposes.items() if one in purposes}
        return Offer(of, self.detail, self.statements)

    def words(self, ticked: Collection[Purpose]) -> str:
        """As it goes into the ledger: what was ticked, and all that stood beside it."""
        sentences = {**self.purposes, Purpose.DETAILED: self.detail}
        return "\n".join([*(sentences[purpose] for purpose in Purpose if purpose in ticked), *self.statements])


def offer(practice: Practice, language: str) -> Offer:
    """The one wording of every consent: on the page, on paper, read out."""
    asked, _, said = page("opt_in", practice, language, {"name": practice.name}).partition("\n\n")
    sentences = {Purpose(name): words for name, words in (line.split(": ", 1) for line in asked.splitlines())}
    return Offer(sentences, sentences.pop(Purpose.DETAILED), tuple(said.splitlines()))


def common(practice: Practice, language: str) -> dict[str, str]:
    """The fields that every text may name."""
    lines = LINES[practice.country]
    return {
        "sender": practice.sender_label,
        "phone": practice.phone,
        "hours": hours(practice.reading_hours, language),
        "n": str(practice.per_week),
        "crisis": lines.crisis.get(language, lines.crisis["en"]),
        "crisis_short": lines.number(language),
        "danger": lines.danger,
        "postal_address": practice.postal_address,
    }


def when(starts_at: datetime, group: Group, member: Member, practice: Practice) -> When:
    here = group.zone
    theirs = member.zone or here
    zone = theirs if group.is_online else here
    local = starts_at.astimezone(zone)
    clock = _format(local, TIMES.get(practice.country, "HH:mm"), _locale(practice, "en"))
    if theirs.utcoffset(local.replace(tzinfo=None)) != here.utcoffset(local.replace(tzinfo=None)):
        clock += f" {_letters(local, zone, practice)}"
    return When(_day(local, practice, member.language), clock)


def local_day(starts_at: datetime, group: Group, member: Member) -> datetime:
    """The start on the clock by which the member is told of it."""
    theirs = (member.zone if group.is_online else None) or group.zone
    return starts_at.astimezone(theirs)


def fields_of(group_session: GroupSession, member: Member, practice: Practice) -> dict[str, str]:
    said = when(group_session.starts_at, group_session.group, member, practice)
    own = group_session.group.reading_hours
    more = {"hours": hours(own, member.language)} if own else {}
    return {"day": said.day, "time": said.time, **more}


def hours(read_at: str, language: str) -> str:
    """Reading hours with the weekdays of the language."""
    for english, spanish in WEEKDAYS_ES.items() if language == "es" else ():
        read_at = read_at.replace(english, spanish)
    return read_at


def day(on: date, practice: Practice, language: str) -> str:
    return _day(datetime.combine(on, time()), practice, language)


def _day(local: datetime, practice: Practice, language: str) -> str:
    locale = _locale(practice, language)
    return _format(local, DAYS.get(locale, ELSEWHERE), locale).replace(".", "").replace(",", "")


def _locale(practice: Practice, language: str) -> str:
    return "es" if language == "es" else LOCALES[practice.country]


def _format(local: datetime, pattern: str, locale: str) -> str:
    return _format_reading(local.replace(tzinfo=None), pattern, locale)


@lru_cache(2048)
def _format_reading(reading: datetime, pattern: str, locale: str) -> str:
    """By what the clock on the wall reads: two clocks' readings of one instant are equal, and must not be mixed up."""
    # babel puts U+202F before AM and PM, which would double the price of the text
    return format_datetime(reading, pattern, locale=locale).replace("\u202f", " ").replace("\xa0", " ")


def _letters(local: datetime, zone: ZoneInfo, practice: Practice) -> str:
    """`PT`, or `BST`: letters that people say. The long names of other zones do not fit a text."""
    generic = str(get_timezone_name(zone, width="short", zone_variant="generic", locale=LOCALES[practice.country]))
    return generic if generic.isalpha() and len(generic) <= 4 else local.strftime("%Z")


@cache
def _template(channel: str, key: str, language: str) -> str:
    try:
        return (TEMPLATES / "messages" / channel / language / f"{key}.txt").read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise MissingText(f"{channel}/{language}/{key}") from error


def _filled(template: str, values: Mapping[str, str]) -> str:
    """One pass: a value that holds braces is not filled again. No attributes, no format, no code."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return values[name] if name in FIELDS else match.group(0)

    return FIELD.sub(value, template)
