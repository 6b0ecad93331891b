"""Writing to one or all of a group or session: whom it reaches and how it looks is shown before anything goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import announce, write
from service.flows.audit import audit
from service.flows.reword import MORE_THAN
from service.models import Enrolment, Group, GroupSession, Member, Practice
from service.models.base import Base, uuid7
from service.rules import rows
from service.rules.contact import masked
from service.rules.recurrence import starts_at
from service.rules.segments import count
from service.web import part_counter, parts
from service.web.narrowing import id_of
from service.web.words import moment

pages = Blueprint("message", __name__)

LATEST = timedelta(days=60)
NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Audience:
    """Who could be written to from where staff came."""

    name: str
    where: Mapping[str, UUID]
    members: Sequence[Member]
    about: GroupSession | None
    row: Base
    back: str


@pages.get("/sessions/<uuid:session_id>/message")
@pages.get("/groups/<uuid:group_id>/message")
@pages.get("/members/<uuid:member_id>/message")
def form(**where: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        audience = _audience(db, where)
        return _form(db, audience, {"to": "all", "when": "now", "words": _line(db)}, {})


@pages.post("/sessions/<uuid:session_id>/message")
@pages.post("/groups/<uuid:group_id>/message")
@pages.post("/members/<uuid:member_id>/message")
def send(**where: UUID) -> ResponseReturnValue:
    """The first press shows whom it reaches and how it looks; the second sends it."""
    now = parts().clock()
    typed = {name: value.strip() for name, value in request.form.items()}
    with parts().open_db() as db:
        audience = _audience(db, where)
        draft, members, errors = _read(db, audience, typed, now)
        if errors or typed.get("action") == "edit":
            return _form(db, audience, typed, errors), 422 if errors else 200
        found = write.reach(db, members, draft, now)
        is_sure = found.people <= MORE_THAN or typed.get("sure") == str(found.people)
        if typed.get("confirmed") != "1" or not is_sure:
            asks = {"sure": f"Tick that you mean all {found.people} people."} if typed.get("confirmed") == "1" else {}
            return _preview(db, audience, typed, draft, found, asks), 422 if asks else 200
        planned = write.send(db, found, now, audience.row if isinstance(audience.row, Group) else None)
        if found.deliveries and not planned:
            flash("It is on its way already: it was sent when you pressed first.", "info")
            return redirect(audience.back)
        audit(db, g.staff.id, "message written", audience.row, now, count=planned)
        zone = db.scalars(select(Practice)).one().zone
        when = f"planned for {moment(draft.at, zone)}" if draft.at > now else "on the way"
    skipped = f" {len(found.skipped)} skipped." if found.skipped else ""
    flash(f"{_counted(planned, found.people)} {when}.{skipped}", "success")
    return redirect(audience.back)


def _counted(messages: int, people: int) -> str:
    """10 messages to 8 people."""
    return f"{messages} message{'' if messages == 1 else 's'} to {people} {'person' if people == 1 else 'people'}"


def _line(db: Session) -> str:
    """What was noted for the week as a session was wrapped up, where staff come from there."""
    wanted = request.args.get("line_of", type=UUID)
    group_session = db.get(GroupSession, wanted) if wanted else None
    return group_session.line if group_session is not None else ""


def _audience(db: Session, where: Mapping[str, UUID]) -> Audience:
    if about := db.get(GroupSession, where.get("session_id", NOBODY)):
        back = url_for("sessions.one_session", session_id=about.id)
        return Audience(about.group.name, where, announce.expected(db, about), about, about, back)
    if group := db.get(Group, where.get("group_id", NOBODY)):
        return Audience(
            group.name, where, _current(db, group), None, group, url_for("groups.one_group", group_id=group.id)
        )
    member = db.get(Member, where.get("member_id", NOBODY))
    if member is not None and member.erased_at is None and not member.is_companion:
        return Audience(member.name, where, [member], None, member, url_for("members.one_member", member_id=member.id))
    return abort(404)


def _current(db: Session, group: Group) -> Sequence[Member]:
    today = parts().clock().astimezone(group.zone).date()
    ids = [row.member_id for row in db.scalars(Enrolment.of_group(group.id)) if row.covers(today)]
    return db.scalars(select(Member).where(Member.id.in_(ids)).order_by(Member.created_at, Member.id)).all()


def _read(
    db: Session, audience: Audience, typed: Mapping[str, str], now: datetime
) -> tuple[write.Draft, Sequence[Member], dict[str, str]]:
    errors: dict[str, str] = {}
    words = rows.read(
        errors, "words", lambda: rows.text(typed.get("words", ""), "what you want to say", write.LONGEST), ""
    )
    if words and (found := write.problems(db, words, audience.about)):
        errors["words"] = " ".join(found)
    at = rows.read(errors, "at", lambda: later(db, typed.get("at", ""), now), now) if _is_later(typed) else now
    if typed.get("at") and not _is_later(typed):
        errors["at"] = "Press “Later” if it shall go then, or empty this to send it now."
    members = [row for row in audience.members if typed.get("to", "all") in ("all", str(row.id))]
    if not members:
        errors["to"] = "Choose who it is for. Nobody belongs here at present." if not audience.members else "Choose."
    if audience.about is not None and audience.about.is_cancelled:
        errors["words"] = "This session is cancelled. Write from the group instead."
    return write.Draft(words, audience.about, at, once=id_of(typed.get("once", ""))), members, errors


def _is_later(typed: Mapping[str, str]) -> bool:
    return typed.get("when") == "later"


def later(db: Session, text: str, now: datetime) -> datetime:
    """`2027-01-05T17:59` on the practice's clock. Raises NotReadable."""
    zone = db.scalars(select(Practice)).one().zone
    local = rows.wall_moment(text)
    at = starts_at(local.date(), local.time(), zone)
    if not now <= at <= now + LATEST:
        raise rows.NotReadable(f"Choose a time that is still to come, within {LATEST.days} days.")
    return at


def _form(db: Session, audience: Audience, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    practice = db.scalars(select(Practice)).one()
    languages = {row.language for row in audience.members} or {"en"}
    return render_template(
        "staff/message.html",
        audience=audience,
        parts_rules=part_counter.rules(practice, languages, write.ABOUT_A_SESSION if audience.about else ()),
        typed=typed,
        errors=dict(errors),
        number=masked(audience.members[0].mobile) if len(audience.members) == 1 else "",
        people=[("all", f"All {len(audience.members)} of them")]
        + [(str(row.id), row.name) for row in audience.members],
    )


def _preview(
    db: Session,
    audience: Audience,
    typed: Mapping[str, str],
    draft: write.Draft,
    found: write.Reach,
    errors: Mapping[str, str],
) -> str:
    practice = db.scalars(select(Practice)).one()
    text = write.sample(practice, draft.words, "en")
    page = render_template(
        "staff/message_confirm.html",
        audience=audience,
        typed={name: typed.get(name, "") for name in ("to", "words", "when", "at")},
        once=uuid7(),
        draft=draft,
        found=found,
        text=text,
        size=count(text),
        errors=dict(errors),
        asks_again=found.people > MORE_THAN,
    )
    db.rollback()
    return page
