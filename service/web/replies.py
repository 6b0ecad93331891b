"""The inbox: a row for each member whose words wait, strangers apart, and what staff do with them."""

from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from service.flows import inbox
from service.flows.audit import audit
from service.flows.companions import next_sessions
from service.flows.inbox import Inbox, Show
from service.flows.reading import Read, Sight
from service.models import Reply, Staff
from service.rules.consent import Channel
from service.rules.contact import masked
from service.web import parts
from service.web.break_glass import told
from service.web.forms import page_asked
from service.web.on_record import before_showing

pages = Blueprint("replies", __name__, url_prefix="/replies")


@pages.get("")
def all_replies() -> ResponseReturnValue:
    show = shown()
    page = page_asked(request.args)
    with parts().read_db() as db:
        found = inbox.look(db, show, page)
        before_showing(_sights(found))
        companions = [one.member for one in found.members if one.member is not None and one.member.is_companion]
        return render_template(
            "staff/replies.html",
            inbox=found,
            senders={thread.latest.id: _sender(thread.latest) for thread in found.strangers},
            names={row.id: row.name for row in db.scalars(select(Staff))},
            me=g.staff.id,
            show=show,
            page=page,
            openings=told(db),
            next_sessions=next_sessions(db, companions, parts().clock()),
        )


def _sights(found: Inbox) -> list[Sight]:
    return [Sight(Read.REPLIES, thread.member or thread.latest) for thread in (*found.members, *found.strangers)]


def shown() -> Show:
    asked = request.values.get("show", "")
    return Show(asked) if asked in set(Show) else Show.OPEN


def _sender(reply: Reply) -> str:
    return "Unknown address" if reply.channel is Channel.EMAIL else f"Unknown number {masked(reply.address or '')}"


@pages.post("/<uuid:reply_id>/handled")
def handled(reply_id: UUID) -> ResponseReturnValue:
    """This reply; with `thread`, all that waited with it. With `keep`, what was handled with it waits again."""
    now = parts().clock()
    keep, whole = request.form.get("keep") == "1", request.form.get("thread") == "1"
    with parts().read_db() as db:
        reply = db.get(Reply, reply_id) or abort(404)
        ids = inbox.thread_of(db, reply) if keep or whole else [reply.id]
    with parts().open_db() as db:
        if keep:
            count = inbox.keep_unread(db, ids, reply.handled_at) if reply.handled_at else 0
        else:
            count = inbox.handle(db, ids, g.staff.id, now)
        audit(db, g.staff.id, "reply kept unread" if keep else "reply handled", reply, now, count=count)
    return redirect("/" if request.form.get("back") == "/" else url_for("replies.all_replies", show=shown()))
