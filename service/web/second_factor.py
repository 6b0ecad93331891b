"""One's own second factors: an authenticator app, passkeys, and recovery codes."""

from uuid import UUID

import segno
from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import passkeys, passwords, recovery, second_factor, sign_ins
from service.models import Practice, SecondFactor, Staff
from service.models.second_factors import Factor
from service.rules import rows
from service.web import cookie, parts
from service.web.passkey_site import localhost_url, passkey_site

pages = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")

ALONE = "Your password stands alone now."


@pages.get("")
def overview() -> ResponseReturnValue:
    with parts().read_db() as db:
        return _overview(db, {})


@pages.post("/app")
def begin_app() -> ResponseReturnValue:
    return _begin(Factor.APP, "second_factor.app", None)


@pages.get("/app")
def app() -> ResponseReturnValue:
    return _app_page({}, "")


@pages.post("/app/confirm")
def confirm_app() -> ResponseReturnValue:
    """The first code shows that the app has the seed."""
    label, errors = _label()
    now = parts().machine_clock()
    with parts().open_db() as db:
        staff = second_factor.locked(db, g.staff.id)
        made = second_factor.in_setup(db, staff.id, Factor.APP, now)
        if made is None:
            return _too_late()
        if not errors and not second_factor.takes(made, request.form.get("code", ""), now):
            errors["code"] = "That is not the code that the app shows now. Look again, and check the phone's clock."
        if not errors:
            return _done(db, made, staff, label)
    return _app_page(errors, request.form.get("label", ""), 422)


@pages.post("/passkey")
def begin_passkey() -> ResponseReturnValue:
    return _begin(Factor.PASSKEY, "second_factor.passkey", passkeys.new_challenge())


@pages.get("/passkey")
def passkey() -> ResponseReturnValue:
    return _passkey_page({}, "")


@pages.post("/passkey/confirm")
def confirm_passkey() -> ResponseReturnValue:
    label, errors = _label()
    now, site = parts().machine_clock(), passkey_site()
    with parts().open_db() as db:
        staff = second_factor.locked(db, g.staff.id)
        made = second_factor.in_setup(db, staff.id, Factor.PASSKEY, now)
        if made is None or site is None:
            return _too_late()
        if not errors and not passkeys.keep(made, site, request.form.get("credential", "")):
            errors[""] = "The passkey was not made. Try again, or use an authenticator app."
        if not errors:
            return _done(db, made, staff, label)
    return _passkey_page(errors, request.form.get("label", ""), 422)


@pages.post("/remove")
def remove() -> ResponseReturnValue:
    now = parts().machine_clock()
    with parts().open_db() as db:
        staff = second_factor.locked(db, g.staff.id)
        factor = _own(db, request.form.get("factor", ""))
        if factor is None:
            return redirect(url_for("second_factor.overview"))
        try:
            second_factor.remove(db, factor, staff, now, is_live=_is_live())
        except second_factor.LastOne as error:
            return _overview(db, {"": str(error)}), 422
        token = sign_ins.renew(db, g.sign_in.id, now)
        is_alone = not second_factor.has_any(db, staff.id)
    flash("Removed. Every other browser in which you were signed in is signed out.", "success")
    if is_alone:
        flash(f"{ALONE} If it has fewer than {passwords.SHORTEST_ALONE} characters, take a longer one.", "warning")
    return cookie.give(redirect(url_for("second_factor.overview")), token)


@pages.post("/codes")
def new_codes() -> ResponseReturnValue:
    with parts().open_db() as db:
        staff = second_factor.locked(db, g.staff.id)
        if not second_factor.has_any(db, staff.id):
            return redirect(url_for("second_factor.overview"))
        return render_template(
            "staff/recovery_codes.html", codes=second_factor.renew_codes(db, staff, parts().machine_clock())
        )


def _begin(kind: Factor, page: str, challenge: bytes | None) -> ResponseReturnValue:
    with parts().open_db() as db:
        staff = second_factor.locked(db, g.staff.id)
        second_factor.begin(db, staff.id, kind, parts().machine_clock(), challenge)
    return redirect(url_for(page))


def _done(db: Session, made: SecondFactor, staff: Staff, label: str) -> ResponseReturnValue:
    """A stolen cookie ends here: this browser gets a new one, every other is signed out."""
    now = parts().machine_clock()
    codes = second_factor.confirm(db, made, staff, label, now)
    token = sign_ins.renew(db, g.sign_in.id, now)
    g.owes_factor = False
    if codes:
        page = make_response(render_template("staff/recovery_codes.html", codes=codes))
        return cookie.give(page, token)
    flash("Added. Every other browser in which you were signed in is signed out.", "success")
    return cookie.give(redirect(url_for("second_factor.overview")), token)


def _label() -> tuple[str, dict[str, str]]:
    errors: dict[str, str] = {}
    typed = request.form.get("label", "")
    return rows.read(errors, "label", lambda: rows.text(typed, "a name", 40, needed=False), ""), errors


def _own(db: Session, key: str) -> SecondFactor | None:
    try:
        row = db.get(SecondFactor, UUID(key))
    except ValueError:
        return None
    return row if row is not None and row.staff_id == g.staff.id and row.confirmed_at else None


def _too_late() -> ResponseReturnValue:
    flash("That took longer than ten minutes. Begin again.", "error")
    return redirect(url_for("second_factor.overview"))


def _is_live() -> bool:
    return not parts().settings.is_practice


def _overview(db: Session, errors: dict[str, str]) -> str:
    now = parts().machine_clock()
    return render_template(
        "staff/second_factors.html",
        factors=second_factor.listed(db, g.staff.id),
        codes_left=recovery.left(db, g.staff.id),
        is_owed=g.owes_factor,
        is_needed=_is_live() and g.staff.role in second_factor.MUST_HAVE,
        passkeys_work=passkey_site() is not None,
        localhost_url=localhost_url(),
        machine_now=now,
        errors=errors,
    )


def _app_page(errors: dict[str, str], label: str, status: int = 200) -> ResponseReturnValue:
    with parts().read_db() as db:
        made = second_factor.in_setup(db, g.staff.id, Factor.APP, parts().machine_clock())
        if made is None:
            return redirect(url_for("second_factor.overview"))
        practice = db.scalars(select(Practice)).one()
        address = second_factor.address(made, g.staff, practice.name)
    picture = segno.make(address, error="m").svg_data_uri(scale=4, light="#fff")
    typed = recovery.in_fours(made.seed)
    page = render_template("staff/second_factor_app.html", picture=picture, seed=typed, label=label, errors=errors)
    return page, status


def _passkey_page(errors: dict[str, str], label: str, status: int = 200) -> ResponseReturnValue:
    site = passkey_site()
    with parts().read_db() as db:
        made = second_factor.in_setup(db, g.staff.id, Factor.PASSKEY, parts().machine_clock())
        if made is None or site is None:
            return redirect(url_for("second_factor.overview"))
        options = passkeys.to_make(db, made, g.staff, site)
    return render_template("staff/second_factor_passkey.html", options=options, label=label, errors=errors), status
