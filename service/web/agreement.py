"""A group's agreement: its words, who agreed to which version, and the members' own page of it."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from service.flows import agreements
from service.flows.audit import audit
from service.models import Agreement, Enrolment, Group, Member
from service.rules import rows
from service.web import parts
from service.web.groups import get_group
from service.web.member_links import opened

pages = Blueprint("agreement", __name__, url_prefix="/groups/<uuid:group_id>/agreement")
by_link = Blueprint("agree", __name__, url_prefix="/agreement")


@pages.get("")
def of_group(group_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, get_group(db, group_id))


@pages.post("")
def put(group_id: UUID) -> ResponseReturnValue:
    """Other words are a new version, to be agreed to anew."""
    errors: dict[str, str] = {}
    typed = request.form.get("words", "")
    words = rows.read(errors, "words", lambda: rows.lines(typed, agreements.LONGEST), "")
    if not words and not errors:
        errors["words"] = "Write what the group agrees on."
    with parts().open_db() as db:
        group = get_group(db, group_id)
        if errors:
            return _page(db, group, typed, errors), 422
        added = agreements.put(db, group, words, g.staff.id, parts().clock())
        if added is not None:
            audit(db, g.staff.id, "agreement changed", group, parts().clock(), version=added.version)
        told = f"Version {added.version} is in force. Now ask the members." if added else "Nothing was changed."
    flash(told, "success" if added else "info")
    return redirect(url_for("agreement.of_group", group_id=group_id))


@pages.post("/ask")
def ask(group_id: UUID) -> ResponseReturnValue:
    """A link goes to those who have not agreed to what stands."""
    now = parts().clock()
    with parts().open_db() as db:
        group = get_group(db, group_id)
        standing = agreements.newest(db, group.id)
        if standing is None:
            return _first(group_id)
        waiting = _waiting(db, group, standing)
        planned, skipped = agreements.ask(db, group, waiting, parts().settings.public_url, now)
        audit(db, g.staff.id, "agreement asked for", group, now, count=planned)
        passed_by = _by_reason(skipped)
    flash(f"{planned} message{'' if planned == 1 else 's'} on the way.", "success")
    if passed_by:
        flash(f"Not asked: {passed_by}.", "warning")
    return redirect(url_for("agreement.of_group", group_id=group_id))


@pages.post("/paper")
def on_paper(group_id: UUID) -> ResponseReturnValue:
    """Staff have it signed before them."""
    with parts().open_db() as db:
        group = get_group(db, group_id)
        standing = agreements.newest(db, group.id)
        if standing is None:
            return _first(group_id)
        wanted = request.form.get("member", "")
        member = next((row for row in _members(db, group) if str(row.id) == wanted), None) or abort(404)
        agreements.agree(db, standing, member, "paper", parts().clock())
        audit(db, g.staff.id, "agreement on paper", member, parts().clock(), version=standing.version)
    return redirect(url_for("agreement.of_group", group_id=group_id))


@by_link.get("/<token>")
def read(token: str) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _member_page(db, token)


@by_link.post("/<token>")
def agree(token: str) -> ResponseReturnValue:
    """Safe to repeat; a version that is no longer in force cannot be agreed to."""
    now = parts().clock()
    with parts().open_db() as db:
        member = db.get_one(Member, opened(db, token, agreements.PURPOSE).member_id)
        for standing, _ in agreements.of_member(db, member, now):
            if str(standing.id) == request.form.get("agreement"):
                agreements.agree(db, standing, member, "page", now)
        return _member_page(db, token)


def _by_reason(skipped: Sequence[tuple[Member, str]]) -> str:
    """Ben Cole (no consent on record), Cleo Park and Dee Ito (opted out)."""
    names: dict[str, list[str]] = {}
    for member, why in skipped:
        names.setdefault(why, []).append(member.name)
    return ", ".join(f"{' and '.join(those)} ({why})" for why, those in names.items())


def _first(group_id: UUID) -> ResponseReturnValue:
    flash("Put an agreement in force first.", "error")
    return redirect(url_for("agreement.of_group", group_id=group_id))


def _member_page(db: Session, token: str) -> ResponseReturnValue:
    member = db.get_one(Member, opened(db, token, agreements.PURPOSE).member_id)
    found = agreements.of_member(db, member, parts().clock())
    return render_template("member/agreement.html", found=found, language=member.language, page_lang=member.language)


def _members(db: Session, group: Group) -> list[Member]:
    today = parts().clock().astimezone(group.zone).date()
    current = db.scalars(Enrolment.current(today).where(Enrolment.group_id == group.id))
    return sorted({row.member for row in current}, key=lambda member: (member.name.casefold(), member.id))


def _waiting(db: Session, group: Group, standing: Agreement) -> Sequence[Member]:
    members = _members(db, group)
    agreed = agreements.agreed(db, group.id, members)
    return [one for one in members if one.id not in agreed or agreed[one.id].agreement_id != standing.id]


def _page(db: Session, group: Group, typed: str | None = None, errors: dict[str, str] | None = None) -> str:
    standing = agreements.newest(db, group.id)
    members = _members(db, group)
    return render_template(
        "staff/group_agreement.html",
        group=group,
        standing=standing,
        members=members,
        agreed=agreements.agreed(db, group.id, members),
        waiting=len(_waiting(db, group, standing)) if standing else 0,
        words=typed if typed is not None else standing.words if standing else agreements.START,
        errors=errors or {},
    )
