"""What a member agreed to: the history with dates, sources and words, and what staff put into it."""

import json
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import texts
from service.flows import ask_anew, detail, enrol, fresh_link, links
from service.flows.audit import audit
from service.flows.ledger import Evidence
from service.flows.opting import TOLD_STAFF, stop_for
from service.flows.reading import Read, Sight
from service.flows.standing import standing
from service.models import Consent, Member, Practice, Reply, Staff
from service.rules import rows
from service.rules.consent import Channel, Purpose, Standing
from service.web import opt_in, parts
from service.web.consent_form import LONGEST_WORDS, ConsentForm
from service.web.members import get_member, opted_out
from service.web.on_record import before_showing

pages = Blueprint("consents", __name__, url_prefix="/members")

ROUTES = ("text", "phone", "voicemail", "in person", "email", "letter", "text to another number")


@dataclass(frozen=True)
class Entry:
    """One row of the ledger as staff read it."""

    row: Consent
    taken_by: str
    proof: dict[str, str]
    is_of_another_address: bool


@pages.get("/<uuid:member_id>/consent")
def history(member_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        member = get_member(db, member_id)
        return _page(db, member, {}, _as_written(db, member))


def _as_written(db: Session, member: Member) -> dict[str, str]:
    """Where staff came from a reply of the member's: its words and its day stand in the form already."""
    try:
        reply = db.scalars(select(Reply).where(Reply.id == UUID(request.args.get("reply", "")))).first()
    except ValueError:
        reply = None
    if reply is None or reply.member_id != member.id:
        return {}
    before_showing([Sight(Read.REPLIES, member)])
    on = reply.received_at.astimezone(db.scalars(select(Practice)).one().zone).date()
    route = "text" if reply.channel is Channel.SMS else "email"
    return {"said": (reply.text or "")[:LONGEST_WORDS], "stopped_on": on.isoformat(), "route": route}


@pages.post("/<uuid:member_id>/consent")
def record(member_id: UUID) -> ResponseReturnValue:
    """A consent taken on paper or by voice. It lifts no opt-out."""
    now = parts().clock()
    with parts().open_db() as db:
        member = get_member(db, member_id)
        practice = db.scalars(select(Practice)).one()
        today = now.astimezone(practice.zone).date()
        form = ConsentForm.read(request.form, today, (*member.asked, Purpose.DETAILED))
        named = detail.offer(db, member, practice, now)
        form.look_at_detail(named, standing(db, member).agreed(Channel.SMS, member.mobile_index))
        if form.errors:
            return _page(db, member, form.errors, dict(request.form)), 422
        evidence = form.evidence(g.staff.id, member.language, named, now)
        for channel, purposes in form.ticked().items():
            enrol.record_consent(db, member, [channel], purposes, evidence, now)
        is_late = bool(form.reason)
        audit(db, g.staff.id, "consent recorded", member, now, method=evidence.method, late=is_late)
    flash("The consent is on record.", "success")
    return redirect(url_for("consents.history", member_id=member_id))


@pages.post("/<uuid:member_id>/stop")
def stop(member_id: UUID) -> ResponseReturnValue:
    """The member asked another way: by voice, by mail, in person. In force at once; only they can lift it."""
    now = parts().clock()
    errors: dict[str, str] = {}
    channels = [channel for channel in Channel if request.form.get("channel") in (channel, "both")]
    with parts().open_db() as db:
        member = get_member(db, member_id)
        today = now.astimezone(db.scalars(select(Practice)).one().zone).date()
        said_on = request.form.get("stopped_on", "") or today.isoformat()
        on = rows.read(errors, "stopped_on", lambda: rows.iso_date(said_on), today)
        said = rows.read(errors, "said", lambda: rows.lines(request.form.get("said", ""), LONGEST_WORDS), "")
        if on > today:
            errors["stopped_on"] = "Enter the day on which they asked: it cannot be in the future."
        if not channels:
            errors["channel"] = "Choose what stops."
        if errors:
            return _page(db, member, errors, dict(request.form)), 422
        route = request.form.get("route", "")
        proof = {"said": said, "by": route if route in ROUTES else ""}
        at = min(now, rows.instant(on.isoformat()))
        stop_for(db, member, channels, Evidence(at, TOLD_STAFF, str(g.staff.id), "", member.language, proof), now)
        audit(db, g.staff.id, "stopped for member", member, now, channels=" ".join(channels))
    flash("Stopped. Nothing more is sent there unless they ask for it themselves.", "success")
    return redirect(url_for("consents.history", member_id=member_id))


@pages.post("/<uuid:member_id>/discreet")
def discreet(member_id: UUID) -> ResponseReturnValue:
    """The member wants texts that name no group again, and said so to staff. In force at once."""
    now = parts().clock()
    errors: dict[str, str] = {}
    with parts().open_db() as db:
        member = get_member(db, member_id)
        typed = request.form.get("asked", "")
        said = rows.read(errors, "asked", lambda: rows.text(typed, "", 200, needed=False), "")
        if errors:
            return _page(db, member, errors, dict(request.form)), 422
        evidence = Evidence(now, TOLD_STAFF, str(g.staff.id), "", member.language, {"said": said})
        if detail.take_back(db, member, evidence, now):
            audit(db, g.staff.id, "texts discreet again", member, now)
    flash("Their texts name neither group nor place.", "success")
    return redirect(url_for("consents.history", member_id=member_id))


@pages.post("/<uuid:member_id>/opt-in-link")
def new_link(member_id: UUID) -> ResponseReturnValue:
    """A link to the consent page for the member to open. It is said once, here."""
    now = parts().clock()
    with parts().open_db() as db:
        member = get_member(db, member_id)
        token = links.new_link(db, opt_in.PURPOSE, now + fresh_link.LASTS, member_id=member.id)
        audit(db, g.staff.id, "consent link made", member, now)
        return _page(db, member, {}, {}, f"{parts().settings.public_url}/opt-in/{token}")


@pages.post("/<uuid:member_id>/opt-in-link/send")
def send_link(member_id: UUID) -> ResponseReturnValue:
    """To their own phone or mailbox, where they agreed to be written to."""
    now = parts().clock()
    with parts().open_db() as db:
        member = get_member(db, member_id)
        by = None if member.is_companion else fresh_link.send(db, member, parts().settings.public_url, now)
        if by is not None:
            audit(db, g.staff.id, "consent link sent", member, now, channel=by)
    if by is None:
        flash("They may not be written to now. Make a link, and open it on their phone or hand it over.", "error")
    else:
        how = "text" if by is Channel.SMS else "email"
        flash(f"The link is on its way by {how}. It works for three days.", "success")
    return redirect(url_for("consents.history", member_id=member_id))


@pages.post("/<uuid:member_id>/ask-again")
def ask_again(member_id: UUID) -> ResponseReturnValue:
    """The question ran out, and they told staff that they want it: it goes once more."""
    now = parts().clock()
    with parts().open_db() as db:
        member = get_member(db, member_id)
        is_asked = ask_anew.ask_anew(db, member, g.staff.id, now)
        if is_asked:
            audit(db, g.staff.id, "member asked again", member, now)
    if is_asked:
        flash("The question is on its way. They answer START to agree.", "success")
    else:
        flash("They cannot be asked by text now: make a link for them, or put their consent on record.", "info")
    return redirect(url_for("consents.history", member_id=member_id))


def _page(db: Session, member: Member, errors: dict[str, str], form: dict[str, str], link: str = "") -> str:
    practice = db.scalars(select(Practice)).one()
    current = standing(db, member)
    offer = texts.offer(practice, member.language)
    named = detail.offer(db, member, practice, parts().clock())
    asked = (*member.asked, Purpose.DETAILED) if named.texts else member.asked
    return render_template(
        "staff/consents.html",
        member=member,
        entries=_entries(db, member),
        may_send=_may_send(member, current),
        may_ask_again=ask_anew.can_be_asked_anew(db, member, parts().clock()),
        agreed={channel: current.agreed(channel, member.address_index(channel)) for channel in Channel},
        suppressed=opted_out(current, member),
        purposes=member.asked,
        in_detail=current.wants_detail(member.mobile_index),
        named=named,
        routes=ROUTES,
        link=link,
        our_words=offer.words(asked),
        today=parts().clock().astimezone(practice.zone).date().isoformat(),
        errors=errors,
        form=form,
    )


def _may_send(member: Member, current: Standing) -> bool:
    """Whether a link may go to them by a message: with the consent that reminders need."""
    agreed = (current.agreed(channel, member.address_index(channel)) for channel in member.channels)
    is_written_to = member.stopped_at is None and not member.is_companion
    return is_written_to and any(Purpose.REMINDER in purposes for purposes in agreed)


def _entries(db: Session, member: Member) -> list[Entry]:
    """The newest first."""
    names = {str(row.id): row.name for row in db.scalars(select(Staff))}
    found = reversed(db.scalars(Consent.of([member.id])).all())
    return [
        Entry(
            row,
            names.get(row.taken_by, row.taken_by),
            _proof(row),
            row.address_index != member.address_index(row.channel),
        )
        for row in found
    ]


def _proof(row: Consent) -> dict[str, str]:
    """Without the address, which stands beside the member; nothing where the key is missing."""
    try:
        told = json.loads(row.proof or "{}")
    except ValueError:
        return {}
    return {name: words for name, words in told.items() if name != "address"}
