"""What people typed: a value, or what is wrong, by field."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from service.flows.enrol import ToldAs
from service.rules import rows
from service.rules.consent import Companion
from service.rules.group_rows import GroupRow, read_group
from service.rules.recurrence import WallTime, starts_at, wall_time

LONGEST_PAGE = 6
"""Digits. More would be no number that a database can count to."""
WITHOUT_COMMAS = re.compile(r"([^\d@+(]{1,80}[^\d@+(\s])(?:\s+(\+?[\d(][\d ().-]{5,20}\d))?(?:\s+([^\s@]+@[^\s@]+))?")
PREVIEWED = 26
"""Dates shown before a group is saved."""

COMPANIONS = [(one.value, one.value.capitalize()) for one in Companion]
"""What somebody who is reached for a member may be to them, as a form offers it."""


@dataclass
class GroupForm:
    """A group and its series, as the form of a new group gives them."""

    values: dict[str, str]
    group: GroupRow | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, typed: Mapping[str, str], today: date, default_zone: str) -> "GroupForm":
        values = {name: value.strip() for name, value in typed.items()}
        ends = values.get("ends", "count")
        given = {
            **values,
            "every_weeks": values.get("repeats", "1"),
            "count": values.get("count", "") if ends == "count" else "",
            "until": values.get("until", "") if ends == "until" else "",
        }
        group, errors = read_group(given, today, default_zone)
        if ends == "count" and not given["count"]:
            errors["count"] = "Enter how many sessions there are, or choose another end."
        if ends == "until" and not given["until"]:
            errors["until"] = "Enter the last date, or choose another end."
        if "every_weeks" in errors:
            errors["repeats"] = errors.pop("every_weeks")
        return cls(values, None if errors else group, errors)

    @property
    def dates(self) -> list[date]:
        """The first dates of the series, as far as it can be read."""
        if self.group is None:
            return []
        recurrence = self.group.recurrence
        return recurrence.dates(recurrence.starts_on, _years_on(recurrence.starts_on))[:PREVIEWED]

    @property
    def shifted(self) -> list[date]:
        """The dates on which the clocks skip the hour."""
        if self.group is None:
            return []
        zone = ZoneInfo(self.group.time_zone)
        return [day for day in self.dates if wall_time(day, self.group.at, zone) is WallTime.GAP]


@dataclass
class MoveForm:
    """A new start for a session, on the group's wall clock."""

    on: str = ""
    at: str = ""
    start: datetime | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, typed: Mapping[str, str], zone: ZoneInfo, now: datetime) -> "MoveForm":
        form = cls(typed.get("on", "").strip(), typed.get("at", "").strip())
        on = rows.read(form.errors, "on", lambda: rows.iso_date(form.on), now.date())
        at = rows.read(form.errors, "at", lambda: rows.clock_time(form.at), time())
        if form.errors:
            return form
        if wall_time(on, at, zone) is WallTime.GAP:
            form.errors["at"] = f"{at:%H:%M} does not exist on that day: the clocks go forward. Choose another time."
        elif wall_time(on, at, zone) is WallTime.OVERLAP:
            form.errors["at"] = f"{at:%H:%M} happens twice on that day: the clocks go back. Choose another time."
        elif not now < starts_at(on, at, zone) <= _years_on_instant(now):
            form.errors["on"] = "Choose a time that is still to come, within two years."
        else:
            form.start = starts_at(on, at, zone)
        return form


@dataclass
class CompanionForm:
    """As what somebody is reached for a member."""

    told: ToldAs | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, typed: Mapping[str, str]) -> "CompanionForm":
        form, chosen = cls(), typed.get("reached_as", "")
        if chosen not in set(Companion):
            form.errors["reached_as"] = "Choose what they are to the member."
        note = rows.read(
            form.errors,
            "reached_note",
            lambda: rows.text(typed.get("reached_note", ""), "who agreed that they are told, and when", 200),
            "",
        )
        if not form.errors:
            form.told = ToldAs(Companion(chosen), note)
        return form


def page_asked(typed: Mapping[str, str]) -> int:
    """The page of a list, from 1. What is no number of one is the first."""
    text = typed.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_PAGE else 1


def pasted_table(text: str) -> bytes:
    """Lines of `name, mobile, email` as a CSV file: what is missing at the end of a line is empty."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("name", "mobile", "email"))
    for line in text.splitlines():
        values = [value.strip() for value in _parts_of(line)]
        values = _addresses_in_place(values)
        writer.writerow([*values, "", ""][: max(3, len(values))] if any(values) else [])
    return out.getvalue().encode()


def _parts_of(line: str) -> list[str]:
    """Between commas, semicolons or tabs; where there are none, a number and an address are told by how they look."""
    separator = next((sign for sign in "\t;," if sign in line), None)
    if separator is not None:
        return line.split(separator)
    found = WITHOUT_COMMAS.fullmatch(line.strip())
    return [part or "" for part in found.groups()] if found else [line]


def _addresses_in_place(values: list[str]) -> list[str]:
    """`Ana, ana@example.org`: an address in the number's place is meant as an address."""
    if len(values) == 2 and "@" in values[1]:
        return [values[0], "", values[1]]
    return values


def _years_on(day: date) -> date:
    return day.replace(year=day.year + 2, day=min(day.day, 28))


def _years_on_instant(now: datetime) -> datetime:
    return now.replace(year=now.year + 2, day=min(now.day, 28))
