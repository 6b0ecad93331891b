"""What every page needs: the practice, the navigation, who is signed in."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import g, request, url_for
from sqlalchemy import select

from service.flows import inbox, sign_ins
from service.flows.settle_in import Office
from service.models import Practice
from service.settings import Settings
from service.web import flags, parts
from service.web.access import roles_of

MEMBERS = frozenset({"me", "one_click", "opt_in", "by_link", "not_me", "agree", "member_links"})
"""Pages of members, who open them by a link."""
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
OWNER = {
    "sessions": "groups",
    "group_members": "groups",
    "try_week": "groups",
    "data_quality": "members",
    "providers": "settings",
    "staff": "settings",
    "audit": "settings",
    "safety": "groups",
    "trends": "groups",
    "agreement": "groups",
    "halt": "members",
    "companions": "members",
    "break_glass": "members",
    "erase": "members",
    "retention": "settings",
    "flags": "replies",
    "hand_over": "replies",
}
"""Below which part of the navigation the pages stand that have none of their own."""


@dataclass(frozen=True)
class NavItem:
    href: str
    label: str
    icon: str
    current: bool
    count: int = 0


def page_context() -> dict[str, Any]:
    staff = None if g.get("owes_factor") else g.get("staff")
    settings = parts().settings
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).first()
        g.country = practice.country if practice else ""
        waiting = inbox.waiting(db) if staff else 0
        alarm = flags.alarm(db, parts().clock()) if staff else None
    return {
        "practice": practice,
        "practice_name": _shown_name(practice),
        "practice_mode": settings.is_practice,
        "phone_url": _phone(settings, practice) if settings.uses_sandbox else None,
        "staff": staff.name if staff else None,
        "sign_out_url": url_for("sign_in.leave") if staff else None,
        "nav": _nav(waiting) if staff else [],
        "zone": practice.zone if practice else None,
        "now": parts().clock(),
        "alarm": alarm,
        "opens": lambda endpoint: staff is not None and staff.role in roles_of(endpoint),
        "account_url": url_for("account.own") if staff else None,
        "help_url": None,
        "idle": _idle() if staff else None,
        "errors": {},
        "home_url": request.path if request.blueprint in MEMBERS else url_for("home.today"),
        "page_lang": "en",
    }


def _phone(settings: Settings, practice: Practice | None) -> str:
    """The on-screen phone, on the practice's clock."""
    return f"{settings.sandbox_url}/?{urlencode({'zone': practice.time_zone})}" if practice else settings.sandbox_url


def _idle() -> dict[str, Any]:
    """How long this page may be left alone."""
    seconds = int(sign_ins.left(g.sign_in, parts().machine_clock()).total_seconds())
    return {"seconds": seconds, "extend_url": url_for("account.stay"), "expired_url": url_for("sign_in.again")}


def _shown_name(practice: Practice | None) -> str:
    """Members' pages may be read over a shoulder: they say the neutral name that opens every text."""
    if practice is None:
        return "Groupkeeper"
    if request.blueprint in MEMBERS:
        return practice.sender_label
    return "Groupkeeper" if practice.name == Office().name else practice.name


def _nav(waiting: int) -> list[NavItem]:
    return [
        NavItem(url_for(view), label, icon, _is_current(view), waiting if view.startswith("replies") else 0)
        for view, label, icon in NAV
        if g.staff.role in roles_of(view)
    ]


def _is_current(view: str) -> bool:
    blueprint = request.blueprint or ""
    return view.partition(".")[0] == OWNER.get(blueprint, blueprint)
