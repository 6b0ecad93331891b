"""Who is on the staff: added, given a new link, another role, or no way in any more."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from service.flows import staffing
from service.flows.staffing import NotNow
from service.models import Staff
from service.models.practice import Role
from service.rules import rows
from service.rules.contact import ContactError, read_email
from service.web import parts
from service.web.words import ROLE_WORDS

pages = Blueprint("staff", __name__, url_prefix="/settings/staff")

NOTHING: Mapping[str, str] = MappingProxyType({})


@pages.get("")
def everybody() -> ResponseReturnValue:
    return _page()


@pages.post("")
def add() -> ResponseReturnValue:
    """The answer shows the link by which they set their password: here, once, and nowhere else."""
    form = request.form
    errors: dict[str, str] = {}
    name = rows.read(errors, "name", lambda: rows.text(form.get("name", ""), "their name", 80), "")
    email = _email(errors, form.get("email", ""))
    role = _role(errors, form.get("role", ""))
    if errors or role is None:
        return _page(form, errors), 422
    now = parts().machine_clock()
    try:
        with parts().open_db() as db:
            staff = staffing.invite(db, email, name, role, now, g.staff.id)
            token = staffing.password_link(db, staff, now, by=g.staff.id)
    except NotNow as problem:
        return _page(form, {"email": str(problem)}), 422
    return _page(link=_address(token), whose=staff.name)


@pages.post("/<uuid:staff_id>/link")
def new_link(staff_id: UUID) -> ResponseReturnValue:
    """For whoever lost their password, or let the hour go by. The old password works until the link is used."""
    with parts().open_db() as db:
        staff = _get(db, staff_id)
        if staff.disabled_at is not None:
            abort(404)
        token = staffing.password_link(db, staff, parts().machine_clock(), by=g.staff.id)
    return _page(link=_address(token), whose=staff.name)


@pages.post("/<uuid:staff_id>/role")
def change_role(staff_id: UUID) -> ResponseReturnValue:
    errors: dict[str, str] = {}
    role = _role(errors, request.form.get("role", ""))
    if role is None:
        return _page(errors=errors), 422
    return _changed(
        staff_id,
        lambda db, staff: staffing.change_role(db, staff, role, parts().machine_clock(), by=g.staff.id),
        f"is {ROLE_WORDS[role].lower()} now",
    )


@pages.post("/<uuid:staff_id>/disable")
def disable(staff_id: UUID) -> ResponseReturnValue:
    return _changed(
        staff_id,
        lambda db, staff: staffing.disable(db, staff, parts().machine_clock(), by=g.staff.id),
        "is signed out and cannot sign in any more",
    )


@pages.post("/<uuid:staff_id>/enable")
def enable(staff_id: UUID) -> ResponseReturnValue:
    with parts().open_db() as db:
        staff = _get(db, staff_id)
        staffing.enable(db, staff, parts().machine_clock(), by=g.staff.id)
    flash(f"{staff.name} can sign in again.", "success")
    return redirect(url_for("staff.everybody"))


def _changed(staff_id: UUID, change: Callable[[Session, Staff], int], what: str) -> ResponseReturnValue:
    try:
        with parts().open_db() as db:
            staff = _get(db, staff_id)
            given_back = change(db, staff)
    except NotNow as problem:
        flash(str(problem), "error")
        return redirect(url_for("staff.everybody"))
    flash(f"{staff.name} {what}.", "success")
    if given_back:
        groups = "1 group has" if given_back == 1 else f"{given_back} groups have"
        flash(f"{groups} no facilitator now. Say on the group's page who leads it.", "warning")
    return redirect(url_for("staff.everybody"))


def _get(db: Session, staff_id: UUID) -> Staff:
    return db.get(Staff, staff_id) or abort(404)


def _email(errors: dict[str, str], typed: str) -> str:
    try:
        return read_email(typed)
    except ContactError as error:
        errors["email"] = str(error)
        return ""


def _role(errors: dict[str, str], typed: str) -> Role | None:
    try:
        return Role(typed)
    except ValueError:
        errors["role"] = "Choose a role from the list."
        return None


def _address(token: str) -> str:
    return f"{parts().settings.public_url}{url_for('sign_in.new_password', token=token)}"


def _page(
    form: Mapping[str, str] = NOTHING, errors: Mapping[str, str] = NOTHING, link: str = "", whose: str = ""
) -> str:
    with parts().read_db() as db:
        return render_template(
            "staff/people.html",
            people=staffing.everybody(db),
            me=g.staff.id,
            roles=list(ROLE_WORDS.items()),
            form=form,
            errors=errors,
            link=link,
            whose=whose,
            machine_now=parts().machine_clock(),
        )
