"""Reading what is another's to read: why, first."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import break_glass
from service.models import Member, Opening, Practice
from service.rules import rows
from service.web import parts
from service.web.members import get_member

pages = Blueprint("break_glass", __name__, url_prefix="/members")

LONGEST = 300


@pages.get("/<uuid:member_id>/read")
def ask(member_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(get_member(db, member_id), {})


@pages.post("/<uuid:member_id>/read")
def read(member_id: UUID) -> ResponseReturnValue:
    errors: dict[str, str] = {}
    reason = rows.read(errors, "reason", lambda: rows.text(request.form.get("reason", ""), "why", LONGEST), "")
    if not errors and len(reason) < break_glass.SHORTEST:
        errors["reason"] = f"Say why in at least {break_glass.SHORTEST} letters: their facilitator reads it."
    with parts().open_db() as db:
        member = get_member(db, member_id)
        if errors:
            return _page(member, errors), 422
        break_glass.break_glass(db, g.staff, member, reason, (parts().clock(), parts().machine_clock()))
    flash("Open to you for an hour. Whoever leads their group sees that, and why.", "success")
    return redirect(url_for("members.one_member", member_id=member_id))


def told(db: Session) -> Sequence[Opening]:
    """What others opened of the members of whoever asks, for their own pages."""
    now = parts().clock()
    zone = db.scalars(select(Practice)).one().zone
    return break_glass.told_to(db, g.staff, now.astimezone(zone).date(), now)


def _page(member: Member, errors: dict[str, str]) -> str:
    reason = request.form.get("reason", "")
    return render_template("staff/break_glass.html", member=member, reason=reason, errors=errors)
