"""Who may open which page. What is not yours is not there: a 404, never a 403."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask, abort, g, has_request_context, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.database import OpenDb
from service.flows.scope import narrow, scope
from service.models import Delivery, Enrolment, Flag, Group, GroupSession, Member, Practice, Reply
from service.models.base import Identified
from service.models.practice import Role
from service.web import parts

EVERYBODY = frozenset(Role)
ADMINS = frozenset({Role.ADMIN})
CARE = frozenset({Role.ADMIN, Role.FACILITATOR})
OFFICE = CARE | {Role.COORDINATOR}

MAY_OPEN: Mapping[str, frozenset[Role]] = {
    "account": EVERYBODY,
    "kept": EVERYBODY,
    "home": OFFICE,
    "groups": OFFICE,
    "group_about": OFFICE,
    "group_members": OFFICE,
    "sessions": OFFICE,
    "members": OFFICE,
    "consents": OFFICE,
    "contact": OFFICE,
    "companions": OFFICE,
    "replies": CARE,
    "hand_over": CARE,
    "queue": OFFICE,
    "log": OFFICE,
    "log.as_file": CARE,
    "templates": CARE,
    "message": OFFICE,
    "data_quality": OFFICE,
    "try_week": OFFICE,
    "flags": EVERYBODY,
    "flags.put_on_record": EVERYBODY - {Role.COORDINATOR},
    "on_call": CARE,
    **dict.fromkeys(("on_call.put_on_call", "on_call.move_up", "on_call.remove", "on_call.test"), ADMINS),
    "on_call.verify_lines": ADMINS,
    "safety": CARE,
    "trends": CARE,
    "agreement": OFFICE,
    "halt": OFFICE,
    "second_factor": EVERYBODY,
    "break_glass": ADMINS,
    "audit": ADMINS,
    "erase": ADMINS,
    "settings": ADMINS,
    "staff": ADMINS,
    "retention": ADMINS,
    "providers": ADMINS,
}
"""By blueprint, or by endpoint where one page of it differs. A new page of staff is one line here, and one in the
table of tests/web/role_table.py."""

OWNED: Mapping[str, type[Identified]] = {
    "group_id": Group,
    "session_id": GroupSession,
    "member_id": Member,
    "enrolment_id": Enrolment,
    "delivery_id": Delivery,
    "reply_id": Reply,
    "flag_id": Flag,
}
"""What an id in an address is the id of."""


def roles_of(endpoint: str) -> frozenset[Role]:
    """Nobody, where the page is not declared."""
    return MAY_OPEN.get(endpoint) or MAY_OPEN.get(endpoint.partition(".")[0], frozenset())


def check_declared(app: Flask, blueprints: Iterable[str]) -> None:
    """Raises where a page of staff is open to nobody: it was forgotten."""
    names = set(blueprints)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in names and not roles_of(rule.endpoint):
            raise LookupError(f"Say who may open {rule.endpoint}: a line in MAY_OPEN of service/web/access.py.")


def keep_to_own() -> ResponseReturnValue | None:
    """Before every page of staff, once we know who asks."""
    if g.staff.role not in roles_of(request.endpoint or ""):
        is_front = request.endpoint == "home.today"
        return redirect(url_for(front_page(g.staff.role))) if is_front else abort(404)
    with parts().read_db() as db:
        zone = db.scalars(select(Practice)).one().zone
    g.scope = scope(g.staff, parts().clock().astimezone(zone).date(), parts().machine_clock())
    with parts().read_db() as db:
        if not all(_is_there(db, name, value) for name, value in (request.view_args or {}).items()):
            abort(404)
    return None


def narrowed(opened: OpenDb) -> OpenDb:
    """Pages read and change what is in the scope of whoever asks, also where their own statement does not say so.
    A flow that has to see more says so itself: `flows.scope.across_groups`."""

    @contextmanager
    def open_db() -> Iterator[Session]:
        with opened() as db:
            if has_request_context() and "scope" in g:
                narrow(db, g.scope)
            yield db

    return open_db


def front_page(role: Role) -> str:
    """Where somebody is after signing in."""
    return "home.today" if role in OFFICE else "flags.all_flags"


def _is_there(db: Session, name: str, value: Any) -> bool:
    model = OWNED.get(name)
    return (
        model is None or model not in g.scope or db.scalars(select(model).where(model.id == value)).first() is not None
    )
