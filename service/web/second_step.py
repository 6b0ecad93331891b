"""The second factor, after the password and before anything else is shown."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from service.flows import passkeys, recovery, second_step
from service.flows.check_password import end_without
from service.flows.second_step import Proof, Verdict
from service.models import Staff
from service.web import cookie, parts
from service.web.passkey_site import passkey_site
from service.web.sign_in import signed_in

pages = Blueprint("second_step", __name__, url_prefix="/sign-in/second")


@pages.get("")
def ask() -> ResponseReturnValue:
    return _page(request.args.get("next", ""), {})


@pages.post("/code")
def code() -> ResponseReturnValue:
    wrong = "That is not the code of this moment, or it was used already. Wait for the next one."
    return _answer(second_step.by_code(request.form.get("code", "")), {"code": wrong})


@pages.post("/recovery")
def recovery_code() -> ResponseReturnValue:
    wrong = "That is not one of your recovery codes, or it was used already."
    return _answer(second_step.by_recovery_code(request.form.get("recovery", "")), {"recovery": wrong}, tells_left=True)


@pages.post("/passkey")
def passkey() -> ResponseReturnValue:
    site, wrong = passkey_site(), {"": "The passkey was not taken. Try again, or use another way."}
    if site is None:
        return _page(request.form.get("next", ""), wrong, 422)
    return _answer(second_step.by_passkey(site, request.form.get("credential", "")), wrong, is_guess=False)


@pages.get("/alone")
def alone() -> ResponseReturnValue:
    return _page_alone(request.args.get("next", ""), {})


@pages.post("/alone/passkey")
def passkey_alone() -> ResponseReturnValue:
    site, back = passkey_site(), request.form.get("next", "")
    if site is None:
        return _from_the_start()
    token, now = cookie.token(cookie.HALF_WAY), parts().machine_clock()
    with parts().open_db() as db:
        answer = second_step.answer_alone(db, token, site, request.form.get("credential", ""), now)
        if answer.staff_id is not None:
            end_without(db, request.remote_addr or "")
            return cookie.take_away(signed_in(db, answer.staff_id, back), cookie.HALF_WAY)
    wrong = {"": "The passkey was not taken. Try again, or use your password."}
    return _page_alone(back, wrong, 401) if answer.verdict is Verdict.WRONG else _from_the_start()


def _answer(
    proof: Proof, wrong: dict[str, str], *, tells_left: bool = False, is_guess: bool = True
) -> ResponseReturnValue:
    back, now = request.form.get("next", ""), parts().machine_clock()
    with parts().open_db() as db:
        answer = second_step.answer(db, cookie.token(cookie.HALF_WAY), proof, now, is_guess=is_guess)
        if answer.verdict is Verdict.RIGHT and answer.staff_id is not None:
            if tells_left:
                _tell_left(recovery.left(db, answer.staff_id))
            response = signed_in(db, answer.staff_id, back)
            return cookie.take_away(response, cookie.HALF_WAY)
    if answer.verdict is Verdict.WRONG:
        return _page(back, wrong, 401)
    if answer.verdict is Verdict.CLOSED:
        return _page(back, {"": "Too many wrong codes. Wait a quarter of an hour, or ask an administrator."}, 429)
    return _from_the_start()


def _page(back: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    site = passkey_site()
    with parts().read_db() as db:
        step = second_step.find(db, cookie.token(cookie.HALF_WAY), parts().machine_clock())
        if step is None or step.staff_id is None:
            return _from_the_start()
        staff = db.get_one(Staff, step.staff_id)
        options = passkeys.to_show(db, step, staff, site) if site else None
        has_app = second_step.has_app(db, staff.id)
    page = render_template("staff/second_step.html", next=back, errors=errors, options=options, has_app=has_app)
    return page, status


def _page_alone(back: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    site = passkey_site()
    with parts().read_db() as db:
        step = second_step.find(db, cookie.token(cookie.HALF_WAY), parts().machine_clock())
        if site is None or step is None or step.staff_id is not None:
            return _from_the_start()
        options = passkeys.to_show_alone(step, site)
    return render_template("staff/passkey_alone.html", next=back, errors=errors, options=options), status


def _from_the_start() -> ResponseReturnValue:
    flash("Sign in again: the second step was not done within five minutes and five tries.", "error")
    return cookie.take_away(redirect(url_for("sign_in.enter", next=None)), cookie.HALF_WAY)


def _tell_left(left: int) -> None:
    codes = f"{left} recovery codes are" if left != 1 else "1 recovery code is"
    flash(f"{codes} left. Make new ones, and add a second factor, under your name.", "warning")
