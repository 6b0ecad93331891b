"""What needs a person: the red band of every page, the flags with their words, taken up, and closed with a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import on_call
from service.flows.alert import Done, acknowledge, answer_page, close, pass_on
from service.flows.calls import CALLS
from service.flows.links import hashed
from service.flows.reading import Read, Sight
from service.flows.scope import whole
from service.models import Flag, Member, Page, Practice, Reply, Staff
from service.models.alerts import Outcome, PageState, Why
from service.rules import rows
from service.rules.lines import LINES
from service.web import call_people, parts
from service.web.access import roles_of
from service.web.on_record import before_showing
from service.web.words import ago

pages = Blueprint("flags", __name__, url_prefix="/flags")
by_link = Blueprint("by_link", __name__)
"""Whoever was called has a link: it takes the flag up without a sign-in, and shows no word of it."""
one_click = Blueprint("not_me", __name__)
"""Without a form's token: the link is the authority (RFC 8058)."""

SHOWN = 50
LONGEST_RECORD = 4000
OUTCOMES = (
    (Outcome.CALLED, "Called and spoke with them"),
    (Outcome.EMERGENCY, "Sent for emergency services"),
    (Outcome.SAFE, "They are safe: known another way"),
    (Outcome.NOT_REACHED, "Not reached: see the record for what was tried"),
    (Outcome.PASSED_ON, "Passed on to somebody who treats them"),
    (Outcome.NOT_A_CRISIS, "Not a crisis"),
)
WAITS = (
    ("72", "After 3 days"),
    ("168", "After a week"),
    ("24", "After a day"),
    ("0", "At once"),
)
CATEGORIES = {
    "medical": "phrase matched: medical emergency",
    "immediate": "phrase matched: immediate danger",
    "abuse": "phrase matched: being hurt by somebody",
    "self_harm": "phrase matched: self-harm",
    "unknown": "the scan failed: read it yourself",
    "review": "phrase matched: needs a look",
}
FATES = {
    PageState.WAITING: ("Waiting", "warn"),
    PageState.SENDING: ("Leaving", "info"),
    PageState.SENT: ("Sent", "info"),
    PageState.DELIVERED: ("Delivered", "good"),
    PageState.FAILED: ("Not delivered", "bad"),
}


@dataclass(frozen=True)
class Alarm:
    """The red band: on every page of the staff's while a flag is open."""

    title: str
    text: str
    href: str
    is_new: bool


def alarm(db: Session, now: datetime) -> Alarm | None:
    flags = db.scalars(Flag.urgent()).all()
    if not flags:
        return None
    free = [flag for flag in flags if flag.acknowledged_at is None]
    one = len(flags) == 1
    title = "A message needs a person now" if one else f"{len(flags)} messages need a person now"
    text = f"The oldest came {ago(flags[0].opened_at, now)}. "
    if not free:
        text += "Somebody has taken it up; what was done is not on record yet."
    elif not on_call.is_anybody_on_duty(db, now):
        text += "Nobody is on duty: whoever reads this takes it up."
    else:
        text += "Nobody has taken it up yet." if one else f"{len(free)} of them nobody has taken up."
    href = url_for("flags.one_flag", flag_id=flags[0].id) if one else url_for("flags.all_flags")
    return Alarm(title, text, href, bool(free))


@pages.get("")
def all_flags() -> ResponseReturnValue:
    with parts().read_db() as db:
        closed = select(Flag).where(Flag.closed_at.is_not(None)).order_by(Flag.closed_at.desc()).limit(SHOWN)
        return render_template(
            "staff/flags.html",
            open_flags=db.scalars(Flag.open()).all(),
            closed=db.scalars(closed).all(),
            names=_names(db),
            categories=CATEGORIES,
            outcomes=dict(OUTCOMES),
            drill=_last_drill(db),
        )


@pages.get("/<uuid:flag_id>")
def one_flag(flag_id: UUID) -> ResponseReturnValue:
    """Whoever reads the words is on record for it."""
    with parts().read_db() as db:
        flag = db.get(Flag, flag_id) or abort(404)
        if g.staff.role.reads_flags:
            number = [Sight(Read.ADDRESSES, flag.member)] if flag.member else []
            before_showing([Sight(Read.FLAG, flag), *number])
        return _page(db, flag, {}, {})


@pages.post("/<uuid:flag_id>/acknowledge")
def take_up(flag_id: UUID) -> ResponseReturnValue:
    with parts().open_db() as db:
        flag = db.get(Flag, flag_id, with_for_update=True) or abort(404)
        if acknowledge(db, flag, g.staff.id, parts().clock()):
            flash("It is yours. Nobody else is called for the next hour. Put on record what you did.", "success")
        else:
            flash("Somebody has it already.", "info")
    return redirect(url_for("flags.one_flag", flag_id=flag_id))


@pages.post("/<uuid:flag_id>/close")
def put_on_record(flag_id: UUID) -> ResponseReturnValue:
    """Only a person closes a flag, with what was done. A closed one stays closed."""
    form = dict(request.form)
    errors: dict[str, str] = {}
    record = rows.read(errors, "record", lambda: rows.lines(form.get("record", ""), LONGEST_RECORD), "")
    if not record:
        errors.setdefault("record", "Write what was done, and when.")
    if form.get("outcome") not in set(Outcome):
        errors["outcome"] = "Choose what was done."
    if form.get("waits") not in dict(WAITS):
        errors["waits"] = "Choose when the questions start again."
    with parts().open_db() as db:
        flag = db.get(Flag, flag_id, with_for_update=True) or abort(404)
        if errors:
            return _page(db, flag, errors, form), 422
        done = Done(Outcome(form["outcome"]), record, timedelta(hours=int(form["waits"])))
        if close(db, flag, g.staff.id, done, parts().clock()):
            flash("Closed, and on record.", "success")
        else:
            flash("It was closed before. Its record stays as it is.", "info")
    return redirect(url_for("flags.one_flag", flag_id=flag_id))


@by_link.get("/p/<token>")
def called(token: str) -> ResponseReturnValue:
    """What a page leads to. Opening it changes nothing: phones look at links by themselves."""
    with parts().read_db() as db:
        page = _page_of(db, token)
        return _called(db, page)


@by_link.post("/p/<token>")
def answer(token: str) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        page = _page_of(db, token)
        if page.why is Why.TEST:
            on_call.answer_test(db, page, now)
        else:
            answer_page(db, page, now)
        return _called(db, page)


@by_link.get("/p/<token>/cannot")
def unable(token: str) -> ResponseReturnValue:
    return called(token)


@one_click.post("/p/<token>/cannot")
def cannot(token: str) -> ResponseReturnValue:
    """Not me: the next ones are called. Also where the mail's own button says so."""
    with parts().open_db() as db:
        page = _page_of(db, token)
        pass_on(db, page, parts().clock())
        shown = _called(db, page)
    call_people()
    return shown


def _page_of(db: Session, token: str) -> Page:
    return db.scalars(select(Page).where(Page.token_hash == hashed(token))).first() or abort(404)


def _called(db: Session, page: Page) -> str:
    flag = db.get(Flag, page.flag_id) if page.flag_id else None
    return render_template(
        "staff/called.html", page=page, token=page.token, flag=flag, why=page.why, is_call=page.why in CALLS
    )


def _page(db: Session, flag: Flag, errors: dict[str, str], form: dict[str, str]) -> str:
    may_read = g.staff.role.reads_flags
    with whole(db):  # whoever may see the flag reads what it is about
        replies = db.scalars(select(Reply).where(Reply.flag_id == flag.id).order_by(Reply.received_at, Reply.id)).all()
    is_theirs = db.scalars(select(Member.id).where(Member.id == flag.member_id)).first() is not None
    practice = db.scalars(select(Practice)).one()
    sent = db.scalars(select(Page).where(Page.flag_id == flag.id).order_by(Page.made_at, Page.id)).all()
    return render_template(
        "staff/flag.html",
        flag=flag,
        replies=replies if may_read else [],
        count=len(replies),
        number=replies[0].address if may_read and replies else "",
        may_read=may_read,
        has_member_page=is_theirs and g.staff.role in roles_of("members.one_member"),
        sent=_by_round(sent),
        names=_names(db),
        categories=CATEGORIES,
        outcomes=OUTCOMES,
        waits=WAITS,
        fates=FATES,
        lines=LINES[practice.country],
        errors=errors,
        form=form,
    )


def _by_round(sent: Sequence[Page]) -> list[tuple[datetime, list[Page]]]:
    rounds: dict[int, list[Page]] = {}
    for page in sent:
        rounds.setdefault(page.round, []).append(page)
    return [(one[0].made_at, one) for _, one in sorted(rounds.items())]


def _names(db: Session) -> dict[UUID, str]:
    return {row.id: row.name for row in db.scalars(select(Staff))}


def _last_drill(db: Session) -> Page | None:
    query = select(Page).where(Page.why == Why.TEST, Page.answered_at.is_not(None))
    return db.scalars(query.order_by(Page.answered_at.desc())).first()
