"""How a member is reached: name, number, address, and which ways and hours are safe for them."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service.flows import doubt, enrol
from service.flows.audit import audit
from service.flows.enrol import Person
from service.flows.opting import take_break
from service.flows.plan import plan_member
from service.flows.quality import DOUBTS
from service.flows.reading import Read, Sight
from service.flows.scope import whole
from service.models import Member, Practice
from service.models.sealed import index_of
from service.rules import rows
from service.rules.consent import Channel, MinorRoute
from service.rules.member_rows import read_member
from service.web import parts
from service.web.forms import COMPANIONS, CompanionForm
from service.web.members import get_member
from service.web.on_record import before_showing

pages = Blueprint("contact", __name__, url_prefix="/members")

EARLIEST, LATEST = time(8), time(21)
"""Outside of these nobody may be texted at all."""
LEAST = timedelta(hours=1)
OF_AGE = 18
TICKS = ("shares_phone", "others_read", "may_text", "may_email", "may_call", "may_leave_voicemail")


@dataclass
class SafetyForm:
    """Which ways and hours are safe, and on what ground somebody under age is written to."""

    ticked: dict[str, bool]
    safe_from: time | None = None
    safe_until: time | None = None
    asked_on: date | None = None
    adult_on: date | None = None
    route: MinorRoute | None = None
    note: str = ""
    break_until: date | None = None
    """No questions before that day."""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, typed: MultiDict[str, str], today: date) -> "SafetyForm":
        form = cls({name: typed.get(name) == "1" for name in TICKS})
        form._read_hours(typed)
        form.asked_on = rows.read(
            form.errors, "safe_asked_on", lambda: rows.optional_date(typed.get("safe_asked_on", "")), None
        )
        if form.asked_on is not None and form.asked_on > today:
            form.errors["safe_asked_on"] = "Enter the day on which you asked: it cannot be in the future."
        form.break_until = rows.read(
            form.errors, "break_until", lambda: rows.optional_date(typed.get("break_until", "")), None
        )
        form._read_age(typed, today)
        return form

    def _read_hours(self, typed: MultiDict[str, str]) -> None:
        if not (typed.get("safe_from") or typed.get("safe_until")):
            return
        start = rows.read(self.errors, "safe_from", lambda: rows.clock_time(typed.get("safe_from", "")), time())
        end = rows.read(self.errors, "safe_until", lambda: rows.clock_time(typed.get("safe_until", "")), time())
        if {"safe_from", "safe_until"} & self.errors.keys():
            return
        length = timedelta(hours=end.hour - start.hour, minutes=end.minute - start.minute)
        if not (start >= EARLIEST and end <= LATEST and length >= LEAST):
            self.errors["safe_until"] = "Choose at least one hour between 8:00 and 21:00."
        self.safe_from, self.safe_until = start, end

    def _read_age(self, typed: MultiDict[str, str], today: date) -> None:
        born = rows.read(self.errors, "born_on", lambda: rows.optional_date(typed.get("born_on", "")), None)
        if born is not None and not today.year - 100 < born.year <= today.year:
            self.errors["born_on"] = "Enter the day of birth, or leave it empty for an adult."
        elif born is not None:
            birthday = _years_later(born, OF_AGE)
            self.adult_on = birthday if birthday > today else None
        route = typed.get("minor_route", "")
        self.route = MinorRoute(route) if route in set(MinorRoute) and self.adult_on else None
        self.note = rows.read(
            self.errors, "minor_note", lambda: rows.text(typed.get("minor_note", ""), "", 200, needed=False), ""
        )
        if self.route is not None and not self.note:
            self.errors.setdefault("minor_note", "Enter whose phone it is, and who may see the replies.")

    def apply(self, member: Member) -> None:
        """Only of a form without errors."""
        for name, is_ticked in self.ticked.items():
            setattr(member, name, is_ticked)
        member.safe_from, member.safe_until = self.safe_from, self.safe_until
        member.safe_asked_on, member.adult_on = self.asked_on, self.adult_on
        member.minor_route = self.route
        member.minor_note = self.note if self.adult_on else None


@pages.get("/<uuid:member_id>/contact")
def form(member_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        member = get_member(db, member_id)
        practice = db.scalars(select(Practice)).one()
        if member.mobile or member.email:
            before_showing([Sight(Read.ADDRESSES, member)])
        return _page(member, _values(member, member.zone or practice.zone), {})


@pages.post("/<uuid:member_id>/contact")
def save(member_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        member = get_member(db, member_id)
        practice = db.scalars(select(Practice)).one()
        safety = SafetyForm.read(request.form, now.astimezone(practice.zone).date())
        row, errors = read_member({**request.form, "group": ""}, practice.country, now)
        companion = CompanionForm.read(request.form) if member.is_companion else CompanionForm()
        errors |= safety.errors | companion.errors
        if row is not None and row.mobile and not safety.ticked["shares_phone"]:
            errors |= shared_number(db, row.mobile, member)
        if row is None or errors:
            return _page(member, dict(request.form), errors), 422
        shares = safety.ticked["shares_phone"]
        to = Person(row.name, row.mobile, row.email, row.choice, row.language, row.time_zone, shares)
        changed = enrol.change(db, member, to, str(g.staff.id), now)
        safety.apply(member)
        if companion.told is not None:
            member.reached_as, member.reached_note = companion.told.companion, companion.told.note
        member.paused_until = None
        if safety.break_until is not None:
            take_break([member], safety.break_until, practice.zone)
        db.flush()
        plan_member(db, member, now)
        audit(db, g.staff.id, "contact changed", member, now, addresses=" ".join(changed))
    words = "Saved. A new number or address has agreed to nothing yet: invite them." if changed else "Saved."
    flash(words, "success")
    return redirect(url_for("members.one_member", member_id=member_id))


@pages.post("/<uuid:member_id>/number")
def still_theirs(member_id: UUID) -> ResponseReturnValue:
    """Staff have asked the member, by another way than a text to it."""
    with parts().open_db() as db:
        freed = doubt.still_theirs(db, get_member(db, member_id), g.staff.id, parts().clock())
    flash("Texts go on." if freed else "The number was not on hold.", "success" if freed else "info")
    return redirect(url_for("contact.form", member_id=member_id))


def shared_number(db: Session, mobile: str, but: Member | None = None) -> dict[str, str]:
    """The error where somebody else has this number, and nobody ticked that both know."""
    with whole(db):
        others = [row for row in db.scalars(Member.with_mobile(index_of(Channel.SMS, mobile))) if row is not but]
    if not others:
        return {}
    return {"mobile": "Another member has this number. Tick that they share the phone and both know, or mend it."}


def _values(member: Member, zone: ZoneInfo) -> dict[str, str]:
    """The form as it stands."""
    values = {
        "name": member.name,
        "mobile": member.mobile,
        "email": member.email,
        "channel": member.choice.value,
        "language": member.language,
        "time_zone": member.time_zone or "",
        "safe_from": f"{member.safe_from:%H:%M}" if member.safe_from else "",
        "safe_until": f"{member.safe_until:%H:%M}" if member.safe_until else "",
        "safe_asked_on": member.safe_asked_on.isoformat() if member.safe_asked_on else "",
        "born_on": _years_later(member.adult_on, -OF_AGE).isoformat() if member.adult_on else "",
        "minor_route": member.minor_route.value if member.minor_route else "",
        "minor_note": member.minor_note,
        "reached_as": member.reached_as.value if member.reached_as else "",
        "reached_note": member.reached_note,
        "break_until": member.paused_until.astimezone(zone).date().isoformat() if member.paused_until else "",
    }
    return values | {name: "1" for name in TICKS if getattr(member, name)}


def _page(member: Member, form: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "staff/contact.html",
        member=member,
        form=form,
        errors=errors,
        zones=rows.zone_choices(),
        routes=MinorRoute,
        companions=COMPANIONS,
        doubts=DOUBTS,
    )


def _years_later(day: date, years: int) -> date:
    """Born on 29 February, of age on 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
