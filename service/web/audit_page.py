"""The audit: who read and did what, the newest first, on the screen and as a file; and whether it is whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import chains, recall
from service.flows.audit import audit
from service.flows.recall import READING, SIGN_INS, Names, Wanted
from service.models import AuditEntry, Member, Practice
from service.rules import rows
from service.rules.recurrence import starts_at
from service.web import parts
from service.web.audit_words import SYSTEM, label, sentence, who, whom
from service.web.csv_file import csv_file
from service.web.narrowing import id_of

pages = Blueprint("audit", __name__, url_prefix="/settings/audit")

PER_PAGE = 50
MOST_ROWS = 50_000
CHECKED = 10_000
"""Of the newest entries, while the page waits. The command follows all of them."""
BY_SYSTEM, EVERY_READING, EVERY_SIGN_IN, EVERY_CHANGE = "system", "reading", "sign-ins", "changes"
MANY = {EVERY_READING: READING, EVERY_SIGN_IN: SIGN_INS}
COLUMNS = ("Number", "When", "Who", "Action", "What", "Member", "About", "Its id", "Details")


@dataclass
class Filters:
    """What the list is narrowed down to. What cannot be read counts for nothing and has its sentence."""

    who: str = ""
    what: str = ""
    member: UUID | None = None
    since: date | None = None
    until: date | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Filters":
        errors: dict[str, str] = {}
        by = given.get("who", "")
        return cls(
            who=by if by == BY_SYSTEM or id_of(by) else "",
            what=given.get("what", "")[:40],
            member=id_of(given.get("member", "")),
            since=rows.read(errors, "since", lambda: rows.optional_date(given.get("since", "")), None),
            until=rows.read(errors, "until", lambda: rows.optional_date(given.get("until", "")), None),
            errors=errors,
        )

    def asked(self, **changes: int | None) -> dict[str, str]:
        """What an address says to be narrowed down like this."""
        mine = {"who": self.who, "what": self.what, "member": self.member, "since": self.since, "until": self.until}
        return {name: str(value) for name, value in {**mine, **changes}.items() if value}

    def wanted(self, zone: ZoneInfo) -> Wanted:
        by_name = {self.what} if self.what and self.what != EVERY_CHANGE else None
        return Wanted(
            staff_id=id_of(self.who),
            is_system=self.who == BY_SYSTEM,
            actions=MANY.get(self.what, by_name),
            but_not=READING | SIGN_INS if self.what == EVERY_CHANGE else (),
            member_id=self.member,
            since=starts_at(self.since, time(), zone) if self.since else None,
            until=_end_of(self.until, zone) if self.until else None,
        )


@pages.get("")
def entries() -> ResponseReturnValue:
    filters = Filters.read(request.args)
    before, after = _number("before"), _number("after")
    with parts().read_db() as db:
        zone = db.scalars(select(Practice)).one().zone
        shelf = recall.shelf(db, filters.wanted(zone), PER_PAGE, before=before, after=after)
        names = recall.names(db, shelf.entries)
        page = render_template(
            "staff/audit.html",
            shelf=shelf,
            names=names,
            who=who,
            whom=whom,
            sentence=sentence,
            filters=filters,
            choices=_choices(db, names),
            chain=chains.verify_newest(db, CHECKED) if request.args.get("check") == "1" else None,
            checked=CHECKED,
            errors=filters.errors,
        )
    return page, 422 if filters.errors else 200


@pages.post("/csv")
def as_file() -> ResponseReturnValue:
    """The same entries as a file for a sheet. That it was taken away is an entry, too."""
    filters = Filters.read(request.form)
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).one()
        found = recall.shelf(db, filters.wanted(practice.zone), MOST_ROWS).entries
        said = csv_file("audit", COLUMNS, _cells(found, recall.names(db, found), practice.zone))
    with parts().open_db() as db:
        audit(db, g.staff.id, "audit exported", practice, parts().clock(), rows=len(found))
    return said


def _cells(found: Sequence[AuditEntry], names: Names, zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    for row in found:
        details = "; ".join(f"{name} {value}" for name, value in sorted(row.details.items()))
        at = f"{row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        about = (whom(row, names), row.object_type, row.object_id, details)
        yield (str(row.seq), at, who(row, names), row.action, sentence(row, names), *about)


def _choices(db: Session, names: Names) -> dict[str, list[tuple[str, str]]]:
    staff = [(str(one), name) for one, name in names.staff.items()]
    members = [(str(row.id), row.name) for row in db.scalars(select(Member))]
    actions = db.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action))
    everything = [
        (EVERY_READING, "Everything that was read"),
        (EVERY_CHANGE, "Everything that was changed"),
        (EVERY_SIGN_IN, "Every sign-in"),
    ]
    return {
        "staff": [*sorted(staff, key=lambda one: one[1].casefold()), (BY_SYSTEM, SYSTEM)],
        "members": sorted(members, key=lambda one: one[1].casefold()),
        "actions": [*everything, *((one, label(one)) for one in actions)],
    }


def _number(name: str) -> int | None:
    """The number of an entry; one that is none is not asked for."""
    text = request.args.get(name, "")
    return int(text) if text.isdecimal() and len(text) <= 12 else None


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return starts_at(day + timedelta(days=1), time(), zone)
