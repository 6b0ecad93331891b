"""First account, signing in and out, and who may see the staff's pages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.flows import links, staffing
from service.flows.settle_in import Office
from service.models import Practice, Reply, SignIn, Staff
from service.models.practice import Role
from service.rules import rows
from service.rules.contact import ContactError, read_email
from service.rules.lines import COUNTRIES
from service.web import flags, parts
from service.web.access import roles_of

pages = Blueprint("sign_in", __name__)

MEMBERS = frozenset({"me", "one_click", "opt_in", "by_link", "not_me"})
LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
"""Behind a proxy on this machine everybody comes from it."""


@dataclass(frozen=True)
class NavItem:
    href: str
    label: str
    icon: str
    current: bool
    count: int = 0


NAV = (
    ("home.today", "Today", "home"),
    ("groups.all_groups", "Groups", "calendar"),
    ("members.all_members", "Members", "users"),
    ("replies.all_replies", "Replies", "message"),
    ("queue.coming", "Queue", "clock"),
    ("log.all_deliveries", "Log", "send"),
    ("templates.all_texts", "Texts", "file-text"),
    ("on_call.contacts", "On call", "phone"),
    ("settings.practice", "Settings", "settings"),
)


def turn_strangers_away() -> ResponseReturnValue | None:
    """Before every staff page: whoever is not signed in is shown the way in."""
    token = request.cookies.get(_cookie_name(), "")
    with parts().read_db() as db:
        found = staffing.who(db, token, parts().machine_clock()) if token else None
        if found is None:
            if _nobody_yet(db):
                return redirect(url_for("sign_in.welcome"))
            return redirect(url_for("sign_in.enter", next=request.path if request.method == "GET" else None))
        g.staff = found.staff
    _note_seen(found)
    return None


def page_context() -> dict[str, Any]:
    """What every page needs: the practice, the navigation, who is signed in."""
    staff = g.get("staff")
    settings = parts().settings
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).first()
        g.country = practice.country if practice else ""
        waiting = db.scalar(select(func.count(Reply.id)).where(Reply.handled_at.is_(None))) if staff else 0
        alarm = flags.alarm(db, parts().clock()) if staff else None
    return {
        "practice": practice,
        "practice_name": _shown_name(practice),
        "practice_mode": settings.is_practice,
        "phone_url": settings.sandbox_url if settings.uses_sandbox else None,
        "staff": staff.name if staff else None,
        "sign_out_url": url_for("sign_in.leave") if staff else None,
        "nav": _nav(waiting or 0) if staff else [],
        "zone": practice.zone if practice else None,
        "now": parts().clock(),
        "alarm": alarm,
        "opens": lambda endpoint: staff is not None and staff.role in roles_of(endpoint),
        "account_url": None,
        "help_url": None,
        "idle": None,
        "errors": {},
        "home_url": request.path if request.blueprint in MEMBERS else url_for("home.today"),
        "page_lang": "en",
    }


@pages.get("/welcome")
def welcome() -> ResponseReturnValue:
    _only_first_run()
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).first() or Office()
    return _first_run_page({"country": practice.country, "time_zone": practice.time_zone}, {})


@pages.post("/welcome")
def first_account() -> ResponseReturnValue:
    """The first account and the practice. Only from this machine, and only while there is nobody on the staff."""
    _only_first_run()
    form = {name: value.strip() if name != "password" else value for name, value in request.form.items()}
    errors = _check_first_run(form)
    if errors:
        return _first_run_page(form, errors), 422
    now = parts().clock()
    with parts().open_db() as db:
        if not _nobody_yet(db):
            abort(404)
        practice = db.scalars(select(Practice)).one()
        practice.name, practice.country = form["practice"], form["country"]
        practice.time_zone, practice.phone = form["time_zone"], form["phone"] or practice.phone
        practice.sender_label = form["sender"] or practice.sender_label
        staff = staffing.add_staff(db, read_email(form["email"]), form["name"], Role.ADMIN, now, form["password"])
        token = staffing.start(db, staff.id, parts().machine_clock())
    flash("Welcome. Your first group is one form away.", "success")
    return _with_cookie(redirect(url_for("home.today")), token)


@pages.get("/sign-in")
def enter() -> ResponseReturnValue:
    with parts().read_db() as db:
        if _nobody_yet(db):
            return redirect(url_for("sign_in.welcome"))
    return render_template("staff/sign_in.html", email="", next=request.args.get("next", ""), errors={})


@pages.post("/sign-in")
def open_door() -> ResponseReturnValue:
    email, password = request.form.get("email", ""), request.form.get("password", "")
    with parts().open_db() as db:
        token, sentence = staffing.sign_in(db, email, password, parts().machine_clock())
    back = request.form.get("next", "")
    if token is None:
        page = render_template("staff/sign_in.html", email=email, next=back, errors={"email": sentence})
        return page, 429 if sentence.startswith("Too many") else 401
    return _with_cookie(redirect(_safe(back)), token)


@pages.post("/sign-out")
def leave() -> ResponseReturnValue:
    token = request.cookies.get(_cookie_name(), "")
    with parts().open_db() as db:
        row = db.scalars(select(SignIn).where(SignIn.token_hash == links.hashed(token))).first()
        if row is not None:
            row.ended_at = parts().machine_clock()
    response = redirect(url_for("sign_in.enter"))
    response.delete_cookie(_cookie_name(), secure=_is_https(), httponly=True, samesite="Lax")
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
    problem = staffing.password_problem(password)
    now = parts().machine_clock()
    with parts().open_db() as db:
        link = links.follow(db, token, "password", now)
        if link is None:
            return render_template("staff/link_gone.html"), 404
        if problem:
            return render_template("staff/password.html", errors={"password": problem}), 422
        staff = staffing.set_password(db, link, password, now)
        signed_in = staffing.start(db, staff.id, now)
    return _with_cookie(redirect(url_for("home.today")), signed_in)


def _shown_name(practice: Practice | None) -> str:
    """Members' pages may be read over a shoulder: they say the neutral name that opens every text."""
    if practice is None:
        return "Groupkeeper"
    if request.blueprint in MEMBERS:
        return practice.sender_label
    return "Groupkeeper" if practice.name == Office().name else practice.name


def _first_run_page(form: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "staff/welcome.html", form=form, errors=errors, countries=list(COUNTRIES.items()), zones=sorted(rows.zones())
    )


def _check_first_run(form: dict[str, str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    rows.read(errors, "name", lambda: rows.text(form.get("name", ""), "your name", 80), "")
    try:
        read_email(form.get("email", ""))
    except ContactError as error:
        errors["email"] = str(error)
    problem = staffing.password_problem(form.get("password", ""))
    if problem:
        errors["password"] = problem
    rows.read(errors, "practice", lambda: rows.text(form.get("practice", ""), "the practice's name", 120), "")
    rows.read(errors, "sender", lambda: rows.text(form.get("sender", ""), "a name", 16, needed=False), "")
    rows.read(errors, "phone", lambda: rows.text(form.get("phone", ""), "a number", 32, needed=False), "")
    rows.read(errors, "time_zone", lambda: rows.zone(form.get("time_zone", "")), "")
    if form.get("country") not in COUNTRIES:
        errors["country"] = "Choose a country from the list."
    return errors


def _only_first_run() -> None:
    if request.remote_addr not in LOOPBACK or any(name in request.headers for name in FORWARDED):
        abort(404)
    with parts().read_db() as db:
        if not _nobody_yet(db):
            abort(404)


def _nobody_yet(db: Session) -> bool:
    return db.scalars(select(Staff.id)).first() is None


def _note_seen(found: SignIn) -> None:
    """Once a minute is enough: a page that only reads should not write."""
    now = parts().machine_clock()
    if (now - found.seen_at).total_seconds() < 60:
        return
    with parts().open_db() as db:
        db.get_one(SignIn, found.id).seen_at = now


def _nav(waiting: int) -> list[NavItem]:
    blueprint = request.blueprint or ""
    return [
        NavItem(url_for(view), label, icon, _is_current(view, blueprint), waiting if view.startswith("replies") else 0)
        for view, label, icon in NAV
        if g.staff.role in roles_of(view)
    ]


def _is_current(view: str, blueprint: str) -> bool:
    owner = {
        "sessions": "groups",
        "group_members": "groups",
        "try_week": "groups",
        "data_quality": "members",
        "providers": "settings",
        "safety": "groups",
        "halt": "members",
        "flags": "replies",
    }.get(blueprint, blueprint)
    return view.partition(".")[0] == owner


def _safe(back: str) -> str:
    """A path of ours, or the front page."""
    there = urlsplit(back)
    plain = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if plain and not there.scheme and not there.netloc else url_for("home.today")


def _is_https() -> bool:
    return parts().settings.public_url.startswith("https://")


def _cookie_name() -> str:
    return "__Host-staff" if _is_https() else "staff"


def _with_cookie(response: Any, token: str) -> ResponseReturnValue:
    response.set_cookie(_cookie_name(), token, secure=_is_https(), httponly=True, samesite="Lax", path="/")
    return response  # type: ignore[no-any-return]
