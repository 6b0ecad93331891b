"""One's own account: the name, the password, and the browsers in which one is signed in."""

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from service.flows import passwords, second_factor, sign_ins, staffing
from service.flows.audit import audit
from service.flows.check_password import check_password
from service.models import SignIn, Staff
from service.rules import rows
from service.web import parts
from service.web.sign_in import let_in

pages = Blueprint("account", __name__, url_prefix="/account")

NO_ERRORS: Mapping[str, str] = MappingProxyType({})
NOT_YOURS = "That is not your password."


@pages.get("")
def own() -> ResponseReturnValue:
    return _page()


@pages.post("/stay")
def stay() -> ResponseReturnValue:
    """Somebody is still there: the time without a page starts anew. How many seconds it lasts is the answer."""
    now = parts().machine_clock()
    with parts().open_db() as db:
        row = db.get_one(SignIn, g.sign_in.id)
        row.seen_at = now
    return jsonify(seconds=int(sign_ins.left(row, now).total_seconds()))


@pages.post("/name")
def change_name() -> ResponseReturnValue:
    errors: dict[str, str] = {}
    name = rows.read(errors, "name", lambda: rows.text(request.form.get("name", ""), "your name", 80), "")
    if errors:
        return _page(errors, request.form.get("name", "")), 422
    with parts().open_db() as db:
        staffing.rename(db, db.get_one(Staff, g.staff.id), name, parts().clock())
    flash("Saved.", "success")
    return redirect(url_for("account.own"))


@pages.post("/password")
def change_password() -> ResponseReturnValue:
    """Every browser is signed out; this one is signed in anew."""
    new, now = request.form.get("new_password", ""), parts().machine_clock()
    with parts().read_db() as db:
        problem = staffing.password_problem(db, g.staff, new)
    if problem:
        return _page({"new_password": problem}), 422
    checked = check_password(
        parts().open_db, g.staff.email, request.form.get("password", ""), request.remote_addr or "", now
    )
    if checked.staff_id is None:
        return _page({"password": checked.sentence if checked.waits else NOT_YOURS}), 429 if checked.waits else 422
    with parts().open_db() as db:
        staffing.change_password(db, db.get_one(Staff, g.staff.id), new, now)
    flash("Your password is changed. Every other browser is signed out.", "success")
    return let_in(g.staff.id, url_for("account.own"))


@pages.post("/devices")
def end() -> ResponseReturnValue:
    """One of one's browsers, or all but this one, is signed out."""
    which, now = request.form.get("which", ""), parts().machine_clock()
    with parts().open_db() as db:
        others = {str(row.id): row for row in sign_ins.lasting(db, g.staff.id, now) if row.id != g.sign_in.id}
        ended = list(others.values()) if which == "others" else [others[which]] if which in others else []
        for row in ended:
            row.ended_at = now
        if ended:
            audit(db, g.staff.id, "signed out elsewhere", db.get_one(Staff, g.staff.id), now, count=len(ended))
    flash(f"{len(ended)} browser{'' if len(ended) == 1 else 's'} signed out.", "success")
    return redirect(url_for("account.own"))


def _page(errors: Mapping[str, str] = NO_ERRORS, name: str | None = None) -> str:
    now = parts().machine_clock()
    with parts().read_db() as db:
        return render_template(
            "staff/account.html",
            name=g.staff.name if name is None else name,
            email=g.staff.email,
            role=g.staff.role,
            shortest=passwords.SHORTEST if second_factor.has_any(db, g.staff.id) else passwords.SHORTEST_ALONE,
            devices=sign_ins.lasting(db, g.staff.id, now),
            this=g.sign_in.id,
            machine_now=now,
            errors=errors,
        )
