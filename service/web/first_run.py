"""The first account and the practice: from this machine, while there is nobody on the staff."""

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from service.flows import passwords, staffing
from service.flows.settle_in import Office
from service.models import Practice
from service.models.practice import Role
from service.rules import rows
from service.rules.contact import ContactError, read_email
from service.rules.lines import COUNTRIES
from service.web import parts
from service.web.sign_in import let_in, nobody_yet

pages = Blueprint("first_run", __name__)

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
"""Behind a proxy on this machine everybody comes from it."""


@pages.get("/welcome")
def welcome() -> ResponseReturnValue:
    _only_first_run()
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).first() or Office()
    return _page({"country": practice.country, "time_zone": practice.time_zone}, {})


@pages.post("/welcome")
def first_account() -> ResponseReturnValue:
    _only_first_run()
    form = {name: value.strip() if name != "password" else value for name, value in request.form.items()}
    errors = _check(form)
    if errors:
        return _page(form, errors), 422
    now = parts().clock()
    with parts().open_db() as db:
        if not nobody_yet(db):
            abort(404)
        practice = db.scalars(select(Practice)).one()
        practice.name, practice.country = form["practice"], form["country"]
        practice.time_zone, practice.phone = form["time_zone"], form.get("phone") or practice.phone
        practice.sender_label = form.get("sender") or practice.sender_label
        staff = staffing.add_staff(db, read_email(form["email"]), form["name"], Role.ADMIN, now, form["password"])
    flash("Welcome. Your first group is one form away.", "success")
    return let_in(staff.id)


def _page(form: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "staff/welcome.html", form=form, errors=errors, countries=list(COUNTRIES.items()), zones=rows.zone_choices()
    )


def _check(form: dict[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    rows.read(errors, "name", lambda: rows.text(form.get("name", ""), "your name", 80), "")
    try:
        read_email(form.get("email", ""))
    except ContactError as error:
        errors["email"] = str(error)
    theirs = [form.get(name, "") for name in ("name", "email", "practice")]
    problem = passwords.problem(form.get("password", ""), theirs)
    if problem:
        errors["password"] = problem
    rows.read(errors, "practice", lambda: rows.text(form.get("practice", ""), "the practice's name", 120), "")
    rows.read(errors, "sender", lambda: rows.sender_label(form.get("sender", ""), needed=False), "")
    if form.get("phone"):
        rows.read(errors, "phone", lambda: rows.office_phone(form["phone"]), "")
    rows.read(errors, "time_zone", lambda: rows.zone(form.get("time_zone", "")), "")
    if form.get("country") not in COUNTRIES:
        errors["country"] = "Choose a country from the list."
    return errors


def _only_first_run() -> None:
    if request.remote_addr not in LOOPBACK or any(name in request.headers for name in FORWARDED):
        abort(404)
    with parts().read_db() as db:
        if not nobody_yet(db):
            abort(404)
