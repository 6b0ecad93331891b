"""What members wrote back, in a plain list: the unhandled first."""

from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select

from service.flows.audit import audit
from service.models import Reply
from service.rules.contact import masked
from service.web import parts
from service.web.forms import page_asked

pages = Blueprint("replies", __name__, url_prefix="/replies")

PER_PAGE = 50


@pages.get("")
def all_replies() -> ResponseReturnValue:
    shown = request.args.get("show", "open")
    page = page_asked(request.args)
    query = Reply.newest() if shown == "all" else urgent_first(Reply.unhandled())
    with parts().read_db() as db:
        total = db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
        replies = db.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
        return render_template(
            "staff/replies.html",
            replies=replies,
            from_number={row.id: masked(row.address) for row in replies if row.member_id is None and row.address},
            shown=shown,
            may_read=g.staff.role.reads_replies,
            page=page,
            per_page=PER_PAGE,
            total=total,
        )


def urgent_first(query: Select[Reply]) -> Select[Reply]:
    """What needs a person now stands before what is newer."""
    is_urgent = Reply.distress.is_not(None) & (Reply.distress != "review")
    return query.order_by(None).order_by(is_urgent.desc(), Reply.received_at.desc(), Reply.id.desc())


@pages.post("/<uuid:reply_id>/handled")
def handled(reply_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        reply = db.get(Reply, reply_id) or abort(404)
        keep = request.form.get("keep") == "1"
        reply.handled_at, reply.handled_by = (None, None) if keep else (now, g.staff.id)
        audit(db, g.staff.id, "reply kept unread" if keep else "reply handled", reply, now)
    return redirect("/" if request.form.get("back") == "/" else url_for("replies.all_replies"))
