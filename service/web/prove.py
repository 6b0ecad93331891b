"""Before what would help a thief is changed: whoever signed in a while ago gives their password again."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from service.flows import sign_ins
from service.flows.check_password import check_password
from service.models import SignIn
from service.web import parts
from service.web.sign_in import safe

pages = Blueprint("prove", __name__, url_prefix="/account/prove")


def first(back: str) -> ResponseReturnValue | None:
    """The way to the password, for whoever has to give it before they go on from `back`."""
    if sign_ins.is_fresh(g.sign_in, parts().machine_clock()):
        return None
    return redirect(url_for("prove.ask", next=back))


@pages.get("")
def ask() -> ResponseReturnValue:
    return render_template("staff/prove.html", next=request.args.get("next", ""), errors={})


@pages.post("")
def check() -> ResponseReturnValue:
    back = request.form.get("next", "")
    now, typed = parts().machine_clock(), request.form.get("password", "")
    checked = check_password(parts().open_db, g.staff.email, typed, request.remote_addr or "", now)
    if checked.staff_id is None:
        wrong = checked.sentence if checked.waits else "That is not your password."
        return render_template("staff/prove.html", next=back, errors={"password": wrong}), 429 if checked.waits else 422
    with parts().open_db() as db:
        db.get_one(SignIn, g.sign_in.id).proved_at = now
    return redirect(safe(back))
