"""One switch stops everything for a member, with what follows from it said first; and starts it again."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.flows.companions import companions_of
from service.flows.hold import start_again, stop_everything
from service.models import Delivery, Member
from service.rules import rows
from service.rules.lifecycle import State
from service.web import parts
from service.web.members import get_member

pages = Blueprint("halt", __name__, url_prefix="/members")

LONGEST = 200


@pages.get("/<uuid:member_id>/everything")
def ask(member_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, get_member(db, member_id), {})


@pages.post("/<uuid:member_id>/everything")
def switch(member_id: UUID) -> ResponseReturnValue:
    """Off or on, as the form was shown: a second press of an old page changes nothing."""
    errors: dict[str, str] = {}
    now = parts().clock()
    reason = rows.read(errors, "reason", lambda: rows.text(request.form.get("reason", ""), "why", LONGEST), "")
    with parts().open_db() as db:
        member = get_member(db, member_id)
        if errors:
            return _page(db, member, errors), 422
        wants_stop = request.form.get("to") == "stop"
        if wants_stop and member.stopped_at is None:
            taken_back = stop_everything(db, member, reason, g.staff.id, now)
            flash(f"Everything is stopped. {taken_back} message{'' if taken_back == 1 else 's'} taken back.", "success")
        elif not wants_stop and member.stopped_at is not None:
            start_again(db, member, reason, g.staff.id, now)
            flash("Started again: what they agreed to before holds.", "success")
    return redirect(url_for("members.one_member", member_id=member_id))


def _page(db: Session, member: Member, errors: dict[str, str]) -> str:
    companions = companions_of(db, [member])
    ids = [member.id, *(one.id for one in companions)]
    query = select(func.count(Delivery.id)).where(Delivery.member_id.in_(ids), Delivery.state == State.SCHEDULED)
    return render_template(
        "staff/halt.html", member=member, waiting=db.scalar(query), companions=len(companions), errors=errors
    )
