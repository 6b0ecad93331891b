"""A member asks to be forgotten: what goes and what stays is said first, with how much."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from service.database import overwrite_deleted
from service.flows import erase as erasing
from service.models import Member
from service.web import parts
from service.web.members import get_member

pages = Blueprint("erase", __name__, url_prefix="/members")


@pages.get("/<uuid:member_id>/erase")
def ask(member_id: UUID) -> ResponseReturnValue:
    """Of whoever was erased: the receipt."""
    with parts().read_db() as db:
        member = db.get(Member, member_id)
        if member is not None and member.erased_at is not None:
            return render_template("staff/erased.html", receipt=erasing.receipt(db, member))
        return _page(db, get_member(db, member_id), {})


@pages.post("/<uuid:member_id>/erase")
def confirm(member_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        member = get_member(db, member_id)
        if request.form.get("sure") != "1":
            return _page(db, member, {"sure": "Tick that you are sure."}), 422
        served = member.reached_for_id
        try:
            erasing.erase(db, member, g.staff.id, now)
        except erasing.NotNow as refused:
            return _page(db, member, {"": str(refused)}), 422
    overwrite_deleted(parts().engine)
    flash("Erased. Only counts are left.", "success")
    if served is not None:
        return redirect(url_for("members.one_member", member_id=served))
    return redirect(url_for("erase.ask", member_id=member_id))


def _page(db: Session, member: Member, errors: dict[str, str]) -> str:
    return render_template(
        "staff/erase.html",
        member=member,
        there=erasing.count(db, member, parts().clock()),
        refusal=erasing.refusal(db, member),
        errors=errors,
    )
