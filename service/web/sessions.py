"""One session: who comes, what each was told, and its move or cancellation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import announce, attend, schedule
from service.flows.announce import Told
from service.flows.audit import audit
from service.flows.show import current_answer
from service.flows.write import LONGEST
from service.models import Attendance, Delivery, GroupSession, Member, Series
from service.models.groups import Answer, Came
from service.rules import rows
from service.rules.recurrence import Frequency
from service.web import parts
from service.web.forms import GroupForm, MoveForm

pages = Blueprint("sessions", __name__, url_prefix="/sessions/<uuid:session_id>")


@dataclass(frozen=True)
class Expected:
    """One member of the roster, with what they said and what became of their messages."""

    member: Member
    answer: Answer | None
    came: Came | None
    deliveries: list[Delivery]


@pages.get("")
def one_session(session_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, _get(db, session_id))


@pages.post("/answers")
def set_answer(session_id: UUID) -> ResponseReturnValue:
    """Staff note what a member told them another way."""
    said = request.form.get("answer", "")
    now = parts().clock()
    with parts().open_db() as db:
        group_session = _get(db, session_id)
        member = _expected_member(db, group_session)
        attend.answer(db, group_session, member, Answer(said) if said in set(Answer) else None, now)
        audit(db, g.staff.id, "answer noted", group_session, now, member=str(member.id), answer=said)
    return redirect(url_for("sessions.one_session", session_id=session_id))


@pages.post("/presence")
def set_presence(session_id: UUID) -> ResponseReturnValue:
    """Who was there, for the whole roster at once, and a line for the week."""
    now = parts().clock()
    errors: dict[str, str] = {}
    typed = request.form.get("line", "")
    line = rows.read(errors, "line", lambda: rows.text(typed, "a line", LONGEST, needed=False), "")
    with parts().open_db() as db:
        group_session = _get(db, session_id)
        for member in announce.expected(db, group_session):
            came = request.form.get(f"came_{member.id}", "")
            attend.note_presence(db, group_session, member, Came(came) if came in set(Came) else None, now)
        if errors:
            page = _page(db, group_session, line=(typed, errors["line"]))
            db.rollback()
            return page, 422
        group_session.line = line
        audit(db, g.staff.id, "presence noted", group_session, now, has_line=bool(line))
    flash("Saved.", "success")
    return redirect(url_for("sessions.one_session", session_id=session_id))


@pages.post("/move")
def move(session_id: UUID) -> ResponseReturnValue:
    """The first press shows who will hear of it and how; the second does it, or goes back to what was typed."""
    now = parts().clock()
    with parts().open_db() as db:
        group_session = _still_to_come(db, session_id, now)
        form = MoveForm.read(request.form, group_session.group.zone, now)
        if not form.errors and form.start == group_session.starts_at:
            form.errors["at"] = "That is when it starts already."
        if form.errors or form.start is None:
            return _page(db, group_session, move=form), 422
        if _goes_back():
            return _page(db, group_session, move=form)
        told = schedule.move_session(db, group_session, form.start, now)
        if request.form.get("confirmed") != "1":
            return _confirm(db, group_session, told, "move", {"on": form.on, "at": form.at})
        audit(db, g.staff.id, "session moved", group_session, now)
        flash(f"Moved. {_sentence(db, told)}", "success")
    return redirect(url_for("sessions.one_session", session_id=session_id))


@pages.post("/cancel")
def cancel(session_id: UUID) -> ResponseReturnValue:
    """The first press shows who will hear of it and how; the second does it."""
    now = parts().clock()
    with parts().open_db() as db:
        group_session = _still_to_come(db, session_id, now)
        told = schedule.cancel_session(db, group_session, now)
        if request.form.get("confirmed") != "1":
            return _confirm(db, group_session, told, "cancel", {})
        audit(db, g.staff.id, "session cancelled", group_session, now)
        flash(f"Cancelled. {_sentence(db, told)}", "success")
    return redirect(url_for("sessions.one_session", session_id=session_id))


@pages.get("/series")
def series_form(session_id: UUID) -> ResponseReturnValue:
    """How the series meets now, to be changed from this session on."""
    with parts().read_db() as db:
        group_session = _get(db, session_id)
        series = db.get(Series, group_session.series_id) if group_session.series_id else None
        if series is None:
            abort(404)
        values = {
            "starts_on": f"{group_session.starts_at.astimezone(group_session.group.zone):%Y-%m-%d}",
            "time": f"{series.at:%H:%M}",
            "minutes": str(series.minutes),
            "repeats": "monthly" if series.frequency is Frequency.MONTHLY else str(series.every),
            "ends": "until" if series.until else "count" if series.count else "open",
            "until": series.until.isoformat() if series.until else "",
            "count": str(_left(series, group_session) if series.count else ""),
            "skip": "\n".join(series.skips),
        }
        return _series_page(group_session, _series_read(group_session, values))


@pages.post("/series")
def change_series(session_id: UUID) -> ResponseReturnValue:
    """The first press shows who will hear of it and how; the second does it, or goes back to what was typed."""
    now = parts().clock()
    with parts().open_db() as db:
        group_session = _get(db, session_id)
        if group_session.series_id is None:
            abort(404)
        form = _series_read(group_session, request.form)
        if form.group is None:
            return _series_page(group_session, form), 422
        if _goes_back():
            return _series_page(group_session, form)
        meeting = schedule.Meeting(form.group.recurrence, form.group.at, form.group.minutes)
        told = schedule.change_from(db, group_session, meeting, now)
        if request.form.get("confirmed") != "1":
            kept = {name: value for name, value in form.values.items() if name in SERIES_FIELDS}
            return _confirm(db, group_session, told, "change_series", kept)
        audit(db, g.staff.id, "series changed", group_session, now)
        flash(f"Changed. {_sentence(db, told)}", "success")
    return redirect(url_for("groups.one_group", group_id=group_session.group_id))


SERIES_FIELDS = frozenset({"starts_on", "time", "minutes", "repeats", "ends", "count", "until", "skip"})


def _goes_back() -> bool:
    return request.form.get("action") == "edit"


def _left(series: Series, group_session: GroupSession) -> int:
    """How many sessions of a counted series there are from this one on."""
    on = group_session.series_on or series.starts_on
    return len(series.recurrence.dates(on, on.replace(year=on.year + 9, day=min(on.day, 28))))


def _series_read(group_session: GroupSession, typed: Mapping[str, str]) -> GroupForm:
    group = group_session.group
    own = {"group": group.name, "time_zone": group.time_zone}
    return GroupForm.read({**typed, **own}, parts().clock().astimezone(group.zone).date(), group.time_zone)


def _series_page(group_session: GroupSession, form: GroupForm) -> str:
    return render_template(
        "staff/series_change.html",
        group=group_session.group,
        group_session=group_session,
        form=form,
        errors=form.errors,
        zones=None,
        seen="",
    )


def _confirm(
    db: Session, group_session: GroupSession, told: Told, what: str, hidden: dict[str, str]
) -> ResponseReturnValue:
    """It was done, counted, and is undone: nothing is saved until it is confirmed."""
    page = render_template(
        "staff/session_confirm.html",
        group=group_session.group,
        group_session=group_session,
        told=told,
        to_phone=_members(db, told),
        what=what,
        hidden=hidden,
    )
    db.rollback()
    return page


def _page(
    db: Session, group_session: GroupSession, move: MoveForm | None = None, line: tuple[str, str] | None = None
) -> str:
    """`line`: as it was typed, and what is wrong with it."""
    now = parts().clock()
    zone = group_session.group.zone
    local = group_session.starts_at.astimezone(zone)
    roster = _roster(db, group_session)
    return render_template(
        "staff/session.html",
        group=group_session.group,
        group_session=group_session,
        roster=roster,
        counts={word: sum(row.answer == answer for row in roster) for word, answer in _WORDS},
        move=move or MoveForm(f"{local:%Y-%m-%d}", f"{local:%H:%M}"),
        line=line[0] if line else group_session.line,
        errors=move.errors if move else {"line": line[1]} if line else {},
        has_started=group_session.starts_at <= now,
        came_choices=list(Came),
    )


_WORDS = (("coming", Answer.COMING), ("cannot", Answer.CANNOT), ("silent", None))


def _roster(db: Session, group_session: GroupSession) -> list[Expected]:
    said = {row.member_id: row for row in db.scalars(Attendance.of([group_session.id]))}
    query = select(Delivery).where(Delivery.group_session_id == group_session.id).order_by(Delivery.next_at)
    deliveries = db.scalars(query).all()
    return [
        Expected(
            member=member,
            answer=current_answer(said.get(member.id), group_session),
            came=said[member.id].came if member.id in said else None,
            deliveries=[delivery for delivery in deliveries if delivery.member_id == member.id],
        )
        for member in announce.expected(db, group_session)
    ]


def _sentence(db: Session, told: Told) -> str:
    words = f"{told.by_text} will be told by text, {told.by_email} by email."
    names = [member.name for member in _members(db, told)]
    return f"{words} Please phone: {', '.join(names)}." if names else words


def _members(db: Session, told: Told) -> list[Member]:
    return [db.get_one(Member, member_id) for member_id in told.to_phone]


def _expected_member(db: Session, group_session: GroupSession) -> Member:
    wanted = request.form.get("member", "")
    found = next((row for row in announce.expected(db, group_session) if str(row.id) == wanted), None)
    return found or abort(404)


def _get(db: Session, session_id: UUID) -> GroupSession:
    return db.get(GroupSession, session_id) or abort(404)


def _still_to_come(db: Session, session_id: UUID, now: datetime) -> GroupSession:
    """One that can still be moved or cancelled. Of one that has started its page is shown, and says so."""
    group_session = _get(db, session_id)
    if group_session.starts_at <= now:
        flash("This session has already started.", "error")
        abort(redirect(url_for("sessions.one_session", session_id=session_id)))
    return group_session
