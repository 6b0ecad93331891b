"""Signing in and out."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.flows import links, second_factor, second_step, sign_ins, staffing
from service.flows.audit import audit
from service.flows.check_password import begin_without, check_password, place_of
from service.models import SecondFactor, SignIn, Staff
from service.rules.devices import device_of
from service.web import cookie, kept, parts
from service.web.passkey_site import passkey_site

pages = Blueprint("sign_in", __name__)


def turn_strangers_away() -> ResponseReturnValue | None:
    """Before every staff page: whoever is not signed in is shown the way in."""
    token = cookie.token()
    with parts().read_db() as db:
        found = sign_ins.who(db, token, parts().machine_clock()) if token else None
        is_empty = found is None and nobody_yet(db)
        g.owes_factor = found is not None and second_factor.is_owed(db, found.staff, not parts().settings.is_practice)
    if is_empty:
        return redirect(url_for("first_run.welcome"))
    if found is None:
        back = request.path if request.method == "GET" else _kept(request.full_path.rstrip("?"))
        return redirect(url_for("sign_in.enter", next=back))
    g.staff, g.sign_in = found.staff, found
    _note_seen(found)
    if g.owes_factor and request.blueprint != "second_factor":
        return redirect(url_for("second_factor.overview"))
    return None


def nobody_yet(db: Session) -> bool:
    return db.scalars(select(Staff.id)).first() is None


@pages.get("/sign-in")
def enter() -> ResponseReturnValue:
    with parts().read_db() as db:
        if nobody_yet(db):
            return redirect(url_for("first_run.welcome"))
    return _page("", request.args.get("next", ""), {})


@pages.post("/sign-in")
def open_door() -> ResponseReturnValue:
    email, password = request.form.get("email", ""), request.form.get("password", "")
    back = request.form.get("next", "")
    checked = check_password(parts().open_db, email, password, request.remote_addr or "", parts().machine_clock())
    if checked.staff_id is None:
        return _page(email, back, {"email": checked.sentence}), 429 if checked.waits else 401
    return let_in(checked.staff_id, back)


@pages.post("/sign-in/passkey")
def by_passkey() -> ResponseReturnValue:
    """A passkey instead of the password."""
    back, now = request.form.get("next", ""), parts().machine_clock()
    with parts().open_db() as db:
        sentence = begin_without(db, request.remote_addr or "", now)
        token = "" if sentence else second_step.begin(db, None, now)
    if sentence:
        return _page("", back, {"email": sentence}), 429
    return cookie.give(redirect(url_for("second_step.alone", next=back or None)), token, cookie.HALF_WAY)


def _page(email: str, back: str, errors: dict[str, str]) -> str:
    with parts().read_db() as db:
        has_passkeys = db.scalars(SecondFactor.passkeys().limit(1)).first() is not None
    offers = has_passkeys and passkey_site() is not None
    return render_template("staff/sign_in.html", email=email, next=back, errors=errors, offers_passkey=offers)


@pages.post("/sign-in/again")
def again() -> ResponseReturnValue:
    """A page that was left alone sends what was typed into it, and signs out."""
    path = request.form.get("kept_path", "")
    back = _kept(path) if safe(path) == path else None
    with parts().open_db() as db:
        sign_ins.end(db, cookie.token(), parts().machine_clock())
    return cookie.take_away(redirect(url_for("sign_in.enter", next=back)))


@pages.post("/sign-out")
def leave() -> ResponseReturnValue:
    now = parts().machine_clock()
    with parts().open_db() as db:
        ended = sign_ins.end(db, cookie.token(), now)
        if ended is not None:
            audit(db, ended.staff_id, "signed out", ended, now)
    response = cookie.take_away(redirect(url_for("sign_in.enter")))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@pages.get("/password/<token>")
def new_password(token: str) -> ResponseReturnValue:
    with parts().read_db() as db:
        if links.follow(db, token, "password", parts().machine_clock()) is None:
            return render_template("staff/link_gone.html"), 404
    return render_template("staff/password.html", errors={})


@pages.post("/password/<token>")
def set_password(token: str) -> ResponseReturnValue:
    password = request.form.get("password", "")
    now = parts().machine_clock()
    with parts().open_db() as db:
        link = links.follow(db, token, "password", now)
        if link is None:
            return render_template("staff/link_gone.html"), 404
        problem = staffing.password_problem(db, db.get_one(Staff, link.staff_id), password)
        if problem:
            return render_template("staff/password.html", errors={"password": problem}), 422
        staff = staffing.set_password(db, link, password, now)
    return let_in(staff.id)


def let_in(staff_id: UUID, back: str = "") -> ResponseReturnValue:
    """Their password was right: whoever has a second factor is asked for it, anybody else is signed in."""
    with parts().open_db() as db:
        if not second_factor.has_any(db, staff_id):
            return signed_in(db, staff_id, back)
        token = second_step.begin(db, staff_id, parts().machine_clock())
    return cookie.give(redirect(url_for("second_step.ask", next=back or None)), token, cookie.HALF_WAY)


def signed_in(db: Session, staff_id: UUID, back: str) -> Response:
    """All is proved: this browser is signed in, by a new token, and goes to where they wanted to be."""
    now = parts().machine_clock()
    sign_ins.end(db, cookie.token(), now)
    token = sign_ins.start(db, staff_id, now, device_of(request.user_agent.string))
    audit(db, staff_id, "signed in", db.get_one(Staff, staff_id), now, network=place_of(request.remote_addr or ""))
    return cookie.give(redirect(safe(back)), token)


def safe(back: str) -> str:
    """A path of ours, or the front page."""
    there = urlsplit(back)
    plain = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if plain and not there.scheme and not there.netloc else url_for("home.today")


def _kept(path: str) -> str | None:
    """Where somebody finds what they typed once they are signed in again."""
    return url_for("kept.waiting") if kept.keep(path) else None


def _note_seen(found: SignIn) -> None:
    """A page that only reads writes no more often than once a minute. What asks by itself shows nobody to be there."""
    now = parts().machine_clock()
    if now - found.seen_at < sign_ins.NOTED or "HX-Request" in request.headers:
        return
    with parts().open_db() as db:
        db.get_one(SignIn, found.id).seen_at = found.seen_at = now
