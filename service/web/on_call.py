"""Who is called when a message needs a person, whether a call reaches them, and which crisis lines a text names."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.flows import cover, on_call
from service.flows.audit import audit
from service.flows.watching import unwatched
from service.models import Absence, Contact, Group, LineCheck, Page, Practice, Staff
from service.models.alerts import Why
from service.models.groups import Safety
from service.models.practice import Role
from service.rules import rows
from service.rules.contact import ContactError, masked, read_mobile
from service.rules.escalation import NEEDED_TO_STAFF
from service.rules.lines import COUNTRIES, LINES, VALID_FOR
from service.web import call_people, parts
from service.web.flags import FATES

pages = Blueprint("on_call", __name__, url_prefix="/on-call")

DAYS = tuple(zip(on_call.DAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))
NOT_FOR_ONESELF = (
    "Whoever covers reads what is another's: nobody takes that for themselves. The one who is away says it, or another "
    "administrator. In need, open one member's words with a reason, on their page."
)
DRILL_EVERY = timedelta(days=30)


@dataclass(frozen=True)
class ToDo:
    """Something that somebody ought to see to."""

    title: str
    text: str
    href: str


@pages.get("")
def contacts() -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, {}, {})


@pages.post("")
def put_on_call() -> ResponseReturnValue:
    """Add somebody to the list, or change their number and days."""
    form, errors = dict(request.form), dict[str, str]()
    now = parts().clock()
    with parts().open_db() as db:
        staff = _staff(db, form.get("staff_id", ""))
        if staff is None:
            errors["staff_id"] = "Choose somebody of the staff."
        mobile = _mobile(db, form.get("mobile", ""), errors)
        if errors or staff is None:
            return _page(db, errors, form), 422
        on_call.put_on_call(db, staff, on_call.Duty(mobile, request.form.getlist("days")), g.staff.id, now)
    flash("Saved. Send a test page to see whether it reaches them.", "success")
    return redirect(url_for("on_call.contacts"))


@pages.post("/<uuid:contact_id>/up")
def move_up(contact_id: UUID) -> ResponseReturnValue:
    with parts().open_db() as db:
        row = db.get(Contact, contact_id) or abort(404)
        duty = on_call.Duty(row.mobile, row.days, max(0, row.position - 1))
        on_call.put_on_call(db, row.staff, duty, g.staff.id, parts().clock())
    return redirect(url_for("on_call.contacts"))


@pages.post("/<uuid:contact_id>/remove")
def remove(contact_id: UUID) -> ResponseReturnValue:
    with parts().open_db() as db:
        on_call.take_off_call(db, db.get(Contact, contact_id) or abort(404), g.staff.id, parts().clock())
    flash("They are not called any more.", "success")
    return redirect(url_for("on_call.contacts"))


@pages.post("/<uuid:contact_id>/test")
def test(contact_id: UUID) -> ResponseReturnValue:
    with parts().open_db() as db:
        on_call.send_test(db, db.get(Contact, contact_id) or abort(404), g.staff.id, parts().clock())
    call_people()
    flash("The test page is on its way. It counts once they press the button behind its link.", "success")
    return redirect(url_for("on_call.contacts"))


@pages.post("/lines")
def verify_lines() -> ResponseReturnValue:
    """Somebody has called the lines that our texts name."""
    now = parts().clock()
    with parts().open_db() as db:
        practice = db.scalars(select(Practice)).one()
        row = db.get(LineCheck, practice.country) or LineCheck(country=practice.country)
        row.verified_on, row.staff_id = now.astimezone(practice.zone).date(), g.staff.id
        db.add(row)
        audit(db, g.staff.id, "crisis lines verified", practice, now, country=practice.country)
    flash("Noted. They count as verified for 180 days.", "success")
    return redirect(url_for("on_call.contacts"))


@pages.post("/away")
def go_away() -> ResponseReturnValue:
    """Somebody is away, and another reads what is theirs."""
    form, errors = dict(request.form), dict[str, str]()
    now = parts().clock()
    with parts().open_db() as db:
        today = now.astimezone(db.scalars(select(Practice)).one().zone).date()
        away, by = _staff(db, form.get("away_id", "")), _staff(db, form.get("cover_id", ""))
        first = rows.read(errors, "first", lambda: rows.iso_date(form.get("first", "")), today)
        last = rows.read(errors, "last", lambda: rows.iso_date(form.get("last", "")), first)
        if away is None:
            errors["away_id"] = "Choose who is away."
        elif not _may_arrange(away.id):
            errors["away_id"] = "Say it of yourself. For somebody else an administrator does."
        if by is None or by is away:
            errors["cover_id"] = "Choose somebody else who reads their replies meanwhile."
        elif by.id == g.staff.id:
            errors["cover_id"] = NOT_FOR_ONESELF
        if last < max(first, today):
            errors["last"] = "The last day comes after the first, and not before today."
        if errors or away is None or by is None:
            return _page(db, errors, form), 422
        cover.go_away(db, away, by, (first, last), g.staff.id, now)
    flash("Noted. Whoever covers for them is told of what waits.", "success")
    return redirect(url_for("on_call.contacts"))


@pages.post("/away/<uuid:absence_id>/end")
def come_back(absence_id: UUID) -> ResponseReturnValue:
    with parts().open_db() as db:
        absence = db.get(Absence, absence_id)
        if absence is None or not _may_arrange(absence.staff_id):
            abort(404)
        cover.come_back(db, absence, g.staff.id, parts().clock())
    return redirect(url_for("on_call.contacts"))


def _may_arrange(away_id: UUID) -> bool:
    """One's own absence, and an administrator everybody's."""
    return g.staff.role is Role.ADMIN or away_id == g.staff.id


def to_dos(db: Session, now: datetime) -> list[ToDo]:
    """What of this page ought to be seen to, for the home screen."""
    practice = db.scalars(select(Practice)).one()
    href, found = url_for("on_call.contacts"), []
    reached = len(on_call.reached(db, now))
    if db.scalars(Contact.in_order()).first() is None:
        found.append(ToDo("Nobody is on call", "When a message speaks of danger only administrators get a mail.", href))
    elif reached < NEEDED_TO_STAFF:
        missing = "No contact has" if not reached else "Only one contact has"
        text = f"{missing} answered a test page in the last 30 days. A primary and a backup should, every month."
        found.append(ToDo("Test the pager", text, href))
    is_staffed = Group.open().where(Group.safety == Safety.STAFFED).limit(1)
    if reached < NEEDED_TO_STAFF and db.scalars(is_staffed).first() is not None:
        text = "Groups that are staffed are asked nothing until two contacts have answered a test page."
        found.append(ToDo("Questions of staffed groups wait", text, href))
    if not parts().settings.is_practice and unwatched(db, now):
        text = "No contact has answered a test page in the last 30 days. They go on by themselves once one has."
        found.append(ToDo("Reflection questions wait", text, href))
    if not are_lines_current(db, practice, now):
        text = f"The crisis lines for {COUNTRIES[practice.country]} were last verified on {verified_on(db, practice)}."
        found.append(ToDo("Verify the crisis lines", f"{text} Call them, then say so.", href))
    return found


def verified_on(db: Session, practice: Practice) -> date:
    row = db.get(LineCheck, practice.country)
    ours = LINES[practice.country].verified_on
    return max(ours, row.verified_on) if row else ours


def are_lines_current(db: Session, practice: Practice, now: datetime) -> bool:
    return now.astimezone(practice.zone).date() - verified_on(db, practice) <= VALID_FOR


def _staff(db: Session, typed: str) -> Staff | None:
    try:
        row = db.get(Staff, UUID(typed))
    except ValueError:
        return None
    return row if row is not None and row.disabled_at is None else None


def _mobile(db: Session, typed: str, errors: dict[str, str]) -> str:
    """The number in E.164; none is fine: the call then goes by mail alone."""
    try:
        return read_mobile(typed, db.scalars(select(Practice)).one().country) if typed.strip() else ""
    except ContactError as error:
        errors["mobile"] = str(error)
        return ""


def _page(db: Session, errors: dict[str, str], form: dict[str, str]) -> str:
    now = parts().clock()
    practice = db.scalars(select(Practice)).one()
    listed, working = db.scalars(Contact.in_order()).all(), _working(db)
    today = now.astimezone(practice.zone).date()
    return render_template(
        "staff/on_call.html",
        contacts=listed,
        masked={row.id: masked(row.mobile) for row in listed if row.mobile},
        on_duty={row.id: on_call.is_on_duty(row, on_call.DAYS[today.weekday()]) for row in listed},
        reached={row.id for row in on_call.reached(db, now)},
        tests={row.staff_id: row for row in db.scalars(_tests())},
        staff_list=[(str(row.id), row.name) for row in working],
        cover_list=[(str(row.id), row.name) for row in working if row.id != g.staff.id],
        away_list=[(str(row.id), row.name) for row in working if _may_arrange(row.id)],
        may_arrange={row.id for row in working if _may_arrange(row.id)},
        names={row.id: row.name for row in db.scalars(select(Staff))},
        absences=db.scalars(select(Absence).where(Absence.last >= today).order_by(Absence.first)).all(),
        days=DAYS,
        fates=FATES,
        country=COUNTRIES[practice.country],
        lines=LINES[practice.country],
        verified_on=verified_on(db, practice),
        lines_are_current=are_lines_current(db, practice, now),
        errors=errors,
        form=form,
    )


def _tests() -> Select[Page]:
    """Oldest first, so that the last one of each counts."""
    return select(Page).where(Page.why == Why.TEST).order_by(Page.made_at)


def _working(db: Session) -> list[Staff]:
    rows_of = db.scalars(select(Staff).where(Staff.disabled_at.is_(None))).all()
    return sorted(rows_of, key=lambda row: row.name.casefold())
