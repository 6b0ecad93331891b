"""People reached for a member: a guardian, a carer or an interpreter is added, and asked whether they agree."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import enrol
from service.flows.audit import audit
from service.models import Member, Practice
from service.rules import rows
from service.rules.member_rows import read_member
from service.web import parts
from service.web.contact import shared_number
from service.web.forms import COMPANIONS, CompanionForm
from service.web.members import get_member

pages = Blueprint("companions", __name__, url_prefix="/members/<uuid:member_id>")

NO_ERRORS: Mapping[str, str] = MappingProxyType({})


@pages.get("/reached")
def form(member_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        member = _member(db, member_id)
        return _page(member, {"language": member.language})


@pages.post("/reached")
def add(member_id: UUID) -> ResponseReturnValue:
    now = parts().clock()
    with parts().open_db() as db:
        member = _member(db, member_id)
        row, errors = read_member({**request.form, "group": ""}, db.scalars(select(Practice)).one().country, now)
        companion = CompanionForm.read(request.form)
        errors |= companion.errors
        shares = request.form.get("shares_phone") == "1"
        if row is not None and row.mobile and not shares:
            errors |= shared_number(db, row.mobile)
        if row is None or companion.told is None or errors:
            return _page(member, dict(request.form), errors), 422
        person = enrol.Person(row.name, row.mobile, row.email, row.choice, row.language, row.time_zone, shares)
        added = enrol.add_companion(db, member, person, companion.told, now)
        audit(
            db, g.staff.id, "companion added", member, now, companion=str(added.id), reached_as=companion.told.companion
        )
    flash("Added. Nothing is sent to them until they agree: invite them, or put their consent on record.", "success")
    return redirect(url_for("members.one_member", member_id=member_id))


@pages.post("/invite")
def invite(member_id: UUID) -> ResponseReturnValue:
    """The discreet question goes to the companion, once."""
    now = parts().clock()
    with parts().open_db() as db:
        companion = get_member(db, member_id)
        if companion.reached_for_id is None:
            flash("Members are invited on their group's page.", "info")
            return redirect(url_for("members.one_member", member_id=member_id))
        asked = enrol.can_be_invited(db, companion) and enrol.invite(db, companion, companion.asked, g.staff.id, now)
        if asked:
            audit(db, g.staff.id, "companion invited", companion, now)
            flash("The question is on its way. They answer START to agree.", "success")
        else:
            flash("They cannot be asked by text: it was done before, or there is no number that may be texted.", "info")
        back = companion.reached_for_id
    return redirect(url_for("members.one_member", member_id=back))


def _member(db: Session, member_id: UUID) -> Member:
    """Nobody is reached for somebody who is reached for another."""
    member = get_member(db, member_id)
    return abort(404) if member.is_companion else member


def _page(member: Member, form: Mapping[str, str], errors: Mapping[str, str] = NO_ERRORS) -> str:
    return render_template(
        "staff/companion_new.html",
        member=member,
        form=dict(form),
        errors=dict(errors),
        companions=COMPANIONS,
        zones=rows.zone_choices(),
    )
