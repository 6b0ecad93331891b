"""The Flask app: blueprints, headers, error pages, health."""

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined, Undefined
from jinja2.utils import missing
from sqlalchemy import text
from sqlalchemy.orm import configure_mappers
from werkzeug.exceptions import SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from service import keys
from service.embedded import die_with_parent
from service.flows import heartbeat
from service.flows.settle_all import settle_each
from service.logs import set_up_logging
from service.rules.distress import scan
from service.settings import Settings
from service.texts import TEMPLATES
from service.upgrade import WrongVersion, check
from service.web import (
    access,
    account,
    agreement,
    ask_again,
    audit_page,
    break_glass,
    companions,
    consents,
    contact,
    data_quality,
    erase,
    first_run,
    flags,
    group_about,
    group_members,
    groups,
    halt,
    hand_over,
    home,
    kept,
    log,
    me,
    member_links,
    members,
    message,
    on_call,
    opt_in,
    page_context,
    pager,
    providers,
    queue,
    replies,
    retention,
    safety,
    second_factor,
    second_step,
    sessions,
    settings_pages,
    sign_in,
    staff,
    templates_page,
    trends,
    try_week,
    webhooks,
)
from service.web.bodies import LARGEST
from service.web.error_pages import add_error_pages
from service.web.front import REFUSED, Front
from service.web.intake import Intake
from service.web.status_door import StatusDoor
from service.web.words import filters
from service.wiring import Parts, build, read_settings

logger = logging.getLogger(__name__)

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Frame-Options": "DENY",
}
STAFF = (
    *(home, groups, group_about, group_members, safety, trends, sessions, members, halt, consents, contact, companions),
    *(replies, hand_over),
    *(flags, on_call, queue, log, templates_page, message, providers, settings_pages, data_quality, try_week),
    *(account, kept, staff, second_factor),
    *(break_glass, audit_page),
    *(erase, retention, agreement),
)
BY_LINK = (me.pages, member_links.pages, opt_in.pages, flags.by_link, agreement.by_link)
STAFF_PAGES = frozenset(module.pages.name for module in STAFF)
LOOPBACK = ("127.0.0.1", "localhost")
BEAT = 5.0


def from_environment() -> Front:
    """What the web server calls, once in each of its processes: they end with it."""
    die_with_parent()
    settings = read_settings()
    set_up_logging(settings)
    parts = build(settings, stays=True)
    check(parts.engine)
    calls = pager.Pager(parts)
    app = create_app(parts, calls.wake)
    calls.start()
    threading.Thread(target=_show_alive, args=(parts,), daemon=True).start()
    configure_mappers()  # now, and not while the first member waits for an answer
    scan("")  # reads its tables
    front = in_front(app, parts)
    gc.freeze()  # what is loaded by now stays: to look through it for garbage made one page in twenty wait 0.1 s
    return front


def in_front(app: Flask, parts: Parts) -> Front:
    intake = Intake(lambda reports: settle_each(parts.open_db, reports, parts.clock()))
    return Front(app, StatusDoor(parts.settings), intake, HEADERS)


def create_app(parts: Parts, call_people: Callable[[], None] = lambda: None) -> Flask:
    """`call_people` is told whenever something may need a person; it must not wait for anybody."""
    app = Flask("service", template_folder=str(TEMPLATES), static_folder="web/static")
    _configure(app, parts.settings)
    narrowed = replace(parts, read_db=access.narrowed(parts.read_db), open_db=access.narrowed(parts.open_db))
    app.extensions["parts"], app.extensions["call_people"] = narrowed, call_people
    _register(app)
    app.context_processor(page_context.page_context)
    app.after_request(_set_headers)
    _add_health(app, parts)
    add_error_pages(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    public = urlsplit(settings.public_url)
    app.config.update(
        SECRET_KEY=keys.secret_key(settings),
        TRUSTED_HOSTS=[public.hostname or "127.0.0.1", *(LOOPBACK if settings.is_practice else ())],
        MAX_CONTENT_LENGTH=LARGEST,
        MAX_FORM_MEMORY_SIZE=2_000_000,
        MAX_FORM_PARTS=1000,
        SESSION_COOKIE_NAME="form",
        SESSION_COOKIE_SECURE=public.scheme == "https",
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # we send no referrer
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        PROPAGATE_EXCEPTIONS=False,
    )
    proxies = settings.trusted_proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]
    app.jinja_env.undefined = _ForgivingForForms
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(filters())


def _register(app: Flask) -> None:
    """Every page. One of the staff's that does not say who may see it is refused here."""
    app.before_request(_refuse_unread)
    csrf = CSRFProtect(app)
    app.before_request(_turn_strangers_away)
    for module in STAFF:
        app.register_blueprint(module.pages)
    for open_pages in (sign_in.pages, second_step.pages, first_run.pages, *BY_LINK):
        app.register_blueprint(open_pages)
    for blueprint in (webhooks.twilio, webhooks.sendgrid, me.one_click, flags.one_click):
        app.register_blueprint(blueprint)
        csrf.exempt(blueprint)
    access.check_declared(app, STAFF_PAGES)


class _ForgivingForForms(StrictUndefined):
    """A name that no view gave is a mistake; a field that nobody filled in, or that has no error, is just empty."""

    def __new__(cls, hint: str | None = None, obj: object = missing, *rest: object, **named: object) -> Any:
        return Undefined(hint, obj) if isinstance(obj, Mapping) else super().__new__(cls)


def _refuse_unread() -> None:
    """What the front did not take in whole."""
    if status := request.environ.get(REFUSED):
        abort(status)


def _refuse_other_names() -> None:
    """No link of ours is made from what a proxy says it was called; one that was called something else is refused."""
    for name in request.headers.get("X-Forwarded-Host", "").split(","):
        if name.strip() and not host_is_trusted(name.strip(), current_app.config["TRUSTED_HOSTS"]):
            raise SecurityError


def _turn_strangers_away() -> ResponseReturnValue | None:
    _refuse_other_names()
    if request.blueprint not in STAFF_PAGES:
        return None
    return sign_in.turn_strangers_away() or access.keep_to_own() or ask_again.ask_again()


def _set_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _add_health(app: Flask, parts: Parts) -> None:
    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        started = time.monotonic()
        try:
            check(parts.engine)
            with parts.open_db() as db:
                db.execute(text("SELECT 1"))
        except WrongVersion:
            return jsonify(status="wrong schema"), 503
        except Exception:
            logger.exception("not ready")
            return jsonify(status="no database"), 503
        slow = time.monotonic() - started > 1
        return jsonify(status="slow" if slow else "ready"), 503 if slow else 200


def _show_alive(parts: Parts) -> None:
    server = os.getppid()
    while os.getppid() == server:
        try:
            with parts.open_db() as db:
                heartbeat.beat(db, os.environ.get("GROUPKEEPER_PROCESS", "web"), datetime.now(UTC))
        except Exception:
            logger.exception("heartbeat failed")
        time.sleep(BEAT)
    os.kill(os.getpid(), signal.SIGTERM)  # where a child does not end with its parent, as on macOS
