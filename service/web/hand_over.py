"""A thread is handed to a colleague with a note, or taken back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import hand_over, inbox
from service.flows.inbox import WORDS_OF_ONE
from service.flows.reading import Read, Sight
from service.models import Reply, Staff
from service.rules import rows
from service.web import call_people, parts
from service.web.on_record import before_showing

pages = Blueprint("hand_over", __name__, url_prefix="/replies/<uuid:reply_id>/hand-over")


@pages.get("")
def form(reply_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, reply_id, {}, {})


@pages.post("")
def give(reply_id: UUID) -> ResponseReturnValue:
    """What of it waits is the colleague's from now on, and they are told so without a word of it."""
    now = parts().clock()
    errors: dict[str, str] = {}
    note = rows.read(errors, "note", lambda: rows.lines(request.form.get("note", ""), hand_over.LONGEST_NOTE), "")
    with parts().read_db() as db:
        reply = db.get(Reply, reply_id) or abort(404)
        ids = inbox.thread_of(db, reply)
        to = next((one for one in _colleagues(db) if str(one.id) == request.form.get("to")), None)
        if to is None:
            errors["to"] = "Choose who takes it."
        if errors or to is None:
            return _page(db, reply_id, errors, request.form), 422
        name = to.name
    with parts().open_db() as db:
        taken = hand_over.hand_over(db, reply, ids, db.get_one(Staff, to.id), note, g.staff.id, now)
    call_people()
    flash(f"Handed to {name}." if taken else "Nothing of it waits any more.", "success" if taken else "info")
    return redirect(url_for("replies.all_replies"))


@pages.post("/back")
def take_back(reply_id: UUID) -> ResponseReturnValue:
    """It is nobody's by name again, and waits for whoever reads this member's words."""
    now = parts().clock()
    with parts().read_db() as db:
        reply = db.get(Reply, reply_id) or abort(404)
        ids = inbox.thread_of(db, reply)
    with parts().open_db() as db:
        count = hand_over.take_back(db, reply, ids, g.staff.id, now)
    flash("It is with whoever reads this group's replies again." if count else "Nothing of it was handed over.", "info")
    return redirect(url_for("replies.all_replies"))


def _colleagues(db: Session) -> Sequence[Staff]:
    """Those who may read replies, beside whoever asks."""
    return sorted(
        (one for one in db.scalars(Staff.who_may_lead()) if one.id != g.staff.id),
        key=lambda one: one.name.casefold(),
    )


def _page(db: Session, reply_id: UUID, errors: dict[str, str], typed: Mapping[str, str]) -> str:
    reply = db.get(Reply, reply_id) or abort(404)
    waiting = _waiting(db, reply)
    before_showing([Sight(Read.REPLIES, reply.member or reply)])
    handed = next((row.hand_over for row in waiting if row.hand_over), None)
    return render_template(
        "staff/hand_over.html",
        reply=reply,
        title=reply.member.name if reply.member else "a number we do not know",
        waiting=waiting,
        since=min((row.received_at for row in waiting), default=None),
        handed=handed,
        names={row.id: row.name for row in db.scalars(select(Staff))},
        colleagues=[(str(one.id), one.name) for one in _colleagues(db)],
        errors=errors,
        form=typed,
    )


def _waiting(db: Session, reply: Reply) -> Sequence[Reply]:
    """The latest that wait, the oldest of them first."""
    query = Reply.unhandled().where(Reply.id.in_(inbox.thread_of(db, reply))).limit(WORDS_OF_ONE)
    return list(reversed(db.scalars(query).all()))
