"""A group's members: who they are, pasted or from a file, invited, on leave, gone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import enrol, import_file
from service.flows.ask_anew import can_be_asked_anew
from service.flows.audit import audit
from service.flows.plan import plan
from service.flows.show import member_state
from service.flows.standing import standings
from service.models import Enrolment, Group, Invitation, Member
from service.rules import rows
from service.rules.consent import Channel, Purpose, Standing
from service.rules.tables import BadTable, RowError
from service.web import parts
from service.web.forms import pasted_table
from service.web.groups import get_group

pages = Blueprint("group_members", __name__, url_prefix="/groups/<uuid:group_id>/members")

MENDED_HERE = 20_000
"""Bytes."""
HEADER = re.compile(r"\s*\"?(group|name)\"?\s*[,;]", re.IGNORECASE)

INVITED_TO = (Purpose.REMINDER, Purpose.REFLECTION, Purpose.CHECKIN)


@pages.get("")
def of_group(group_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, get_group(db, group_id))


@pages.post("")
def add(group_id: UUID) -> ResponseReturnValue:
    """Pasted lines or a file. With a bad line nothing is added, unless staff choose to keep the good ones."""
    text, has_header, data = _given()
    shared = request.form.get("shared") == "1"
    now = parts().clock()
    with parts().open_db() as db:
        group = get_group(db, group_id)
        try:
            checked = import_file.check_members(db, data, now, shared_ok=shared, group=group)
        except BadTable as error:
            wrong = [error.error] if has_header or text.strip() else [RowError(0, "", "Paste at least one line.")]
            return _page(db, group, Given(text, has_header, wrong)), 422
        if checked.errors and not (request.form.get("keep_good") == "1" and checked.good):
            return _page(db, group, Given(text, has_header, checked.errors, len(checked.good))), 422
        groups = import_file.write_members(db, checked.good, now, lambda: None, group=group, shared_ok=shared)
        plan(db, now, groups)
        audit(db, g.staff.id, "members added", group, now, count=len(checked.good))
        if checked.errors:
            left, wrong = _bad_lines(text, has_header, {error.line for error in checked.errors}), checked.errors
            if left:  # numbered as they stand there now, and looked at beside those who were just added
                again = _table(left, has_header)
                wrong = import_file.check_members(db, again, now, shared_ok=shared, group=group).errors
            flash(f"{len(checked.good)} added. The others are below.", "warning")
            return _page(db, group, Given(left, has_header, wrong)), 422
    added = len(checked.good)
    flash(f"{added} member{'' if added == 1 else 's'} added. Nothing is sent to them until you invite them.", "success")
    return redirect(url_for("group_members.of_group", group_id=group_id))


@pages.post("/invite")
def invite(group_id: UUID) -> ResponseReturnValue:
    """The discreet question goes, once, to everybody who was not asked yet."""
    now = parts().clock()
    purposes = [purpose for purpose in INVITED_TO if request.form.get(f"purpose_{purpose}") == "1"]
    with parts().open_db() as db:
        group = get_group(db, group_id)
        if not purposes:
            errors = {f"purpose_{INVITED_TO[0]}": "Tick at least one thing that they asked for."}
            return _page(db, group, errors=errors), 422
        invited = sum(
            enrol.invite(db, member, purposes, g.staff.id, now) is not None for member in _to_invite(db, group)
        )
        audit(db, g.staff.id, "members invited", group, now, count=invited)
    flash(f"{invited} invitation{'' if invited == 1 else 's'} on the way. They answer START to agree.", "success")
    return redirect(url_for("group_members.of_group", group_id=group_id))


@pages.post("/<uuid:enrolment_id>/leave")
def leave(group_id: UUID, enrolment_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        enrolment = _enrolment(db, group_id, enrolment_id)
        enrol.leave(db, enrolment, now.astimezone(enrolment.group.zone).date(), now)
        audit(db, g.staff.id, "member left", enrolment, now)
    flash("They have left the group. Nothing more is sent to them about it.", "success")
    return redirect(url_for("group_members.of_group", group_id=group_id))


@pages.post("/<uuid:enrolment_id>/away")
def away(group_id: UUID, enrolment_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    errors: dict[str, str] = {}
    name = f"until_{enrolment_id}"
    until = rows.read(errors, name, lambda: rows.optional_date(request.form.get("until", "")), None)
    with parts().open_db() as db:
        enrolment = _enrolment(db, group_id, enrolment_id)
        today = now.astimezone(enrolment.group.zone).date()
        if until is not None and until < today:
            errors[name] = "Choose today or a later day."
        if errors:
            return _page(db, enrolment.group, errors=errors), 422
        enrol.go_away(db, enrolment, today if until else None, until, now)
        audit(db, g.staff.id, "member on leave" if until else "member back", enrolment, now)
    flash("Saved. Their messages follow.", "success")
    return redirect(url_for("group_members.of_group", group_id=group_id))


@dataclass(frozen=True)
class Given:
    """Members as they were given, and what is wrong with them."""

    pasted: str = ""
    has_header: bool = False
    wrong: Sequence[RowError] = ()
    good: int = 0

    @property
    def shown(self) -> Sequence[RowError]:
        """Where no header was pasted, a line's number is one less than a file's."""
        if self.has_header:
            return self.wrong
        return [RowError(max(0, row.line - 1), row.column, row.sentence) for row in self.wrong]


NOTHING_GIVEN = Given()
INVITED = "invited"
"""As `member_state` says it."""


def _page(
    db: Session, group: Group, given: Given = NOTHING_GIVEN, errors: Mapping[str, str] = MappingProxyType({})
) -> str:
    now = parts().clock()
    today = now.astimezone(group.zone).date()
    enrolments = db.scalars(Enrolment.current(today).where(Enrolment.group_id == group.id)).all()
    members = [enrolment.member for enrolment in enrolments]
    standing = standings(db, members)
    invited = set(db.scalars(select(Invitation.member_id)))
    states = {row.id: member_state(row, standing[row.id], row.id in invited) for row in members}
    reach = {row.id: _reach(row, standing) for row in members}
    told = [reach[key] or (state if state == INVITED else "") for key, state in states.items()]
    summary = {how: told.count(how) for how in ("text", "email", INVITED, "")}
    return render_template(
        "staff/group_members.html",
        group=group,
        enrolments=enrolments,
        states=states,
        reach=reach,
        summary=summary,
        invitable={member.id for member in _to_invite(db, group)},
        ran_out={row.id for row in members if states[row.id] == INVITED and can_be_asked_anew(db, row, now)},
        purposes=INVITED_TO,
        pasted=given.pasted,
        wrong=given.shown,
        good=given.good,
        errors=dict(errors),
        today=today,
    )


def _reach(member: Member, standing: Mapping[UUID, Standing]) -> str:
    """text or email; "" where nothing may go."""
    if member.stopped_at is not None:
        return ""
    for channel, word in ((Channel.SMS, "text"), (Channel.EMAIL, "email")):
        if channel in member.channels and standing[member.id].agreed(channel, member.address_index(channel)):
            return word
    return ""


def _to_invite(db: Session, group: Group) -> list[Member]:
    today = parts().clock().astimezone(group.zone).date()
    enrolments = db.scalars(Enrolment.current(today).where(Enrolment.group_id == group.id))
    return [enrolment.member for enrolment in enrolments if enrol.can_be_invited(db, enrolment.member)]


def _given() -> tuple[str, bool, bytes]:
    """What was pasted, or the words of the file where it is short enough to be mended on the page; whether it has a
    header; and both as a table."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        data = upload.read()
        return data.decode("utf-8-sig", "ignore") if len(data) <= MENDED_HERE else "", True, data
    text = request.form.get("pasted", "")
    has_header = HEADER.match(text) is not None
    return text, has_header, _table(text, has_header)


def _table(text: str, has_header: bool) -> bytes:
    return text.encode() if has_header else pasted_table(text)


def _bad_lines(text: str, has_header: bool, bad: set[int]) -> str:
    lines = text.splitlines()
    first = 1 if has_header else 2
    return "\n".join(line for number, line in enumerate(lines, first) if number in bad or number == 1)


def _enrolment(db: Session, group_id: UUID, enrolment_id: UUID) -> Enrolment:
    enrolment = db.get(Enrolment, enrolment_id)
    return enrolment if enrolment is not None and enrolment.group_id == group_id else abort(404)
