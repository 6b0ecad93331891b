"""Members: all of them, and one with contact, consent, conversation and log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import enrol
from service.flows.audit import audit
from service.flows.ledger import Evidence, withdraw
from service.flows.show import member_state
from service.flows.standing import standing, standings
from service.flows.suppress import suppress
from service.models import Consent, Delivery, Enrolment, Invitation, Member, Reply
from service.rules import rows
from service.rules.consent import Channel, Purpose, Standing
from service.rules.contact import masked
from service.web import parts

pages = Blueprint("members", __name__, url_prefix="/members")

PURPOSES = (Purpose.REMINDER, Purpose.REFLECTION, Purpose.CHECKIN)
METHODS = ("paper", "voice")
SHOWN = 40


@dataclass(frozen=True)
class Said:
    """One bubble of a conversation."""

    direction: str
    words: str
    at: datetime
    delivery: Delivery | None = None


@pages.get("")
def all_members() -> ResponseReturnValue:
    with parts().read_db() as db:
        everyone = db.scalars(select(Member)).all()
        standing_of = standings(db, everyone)
        invited = set(db.scalars(select(Invitation.member_id)))
        listed = sorted(
            ((row, member_state(row, standing_of[row.id], row.id in invited)) for row in everyone),
            key=lambda pair: pair[0].name.casefold(),
        )
        return render_template("staff/members.html", listed=listed)


@pages.get("/<uuid:member_id>")
def one_member(member_id: UUID) -> ResponseReturnValue:
    with parts().read_db() as db:
        return _page(db, _get(db, member_id), {}, {})


@pages.post("/<uuid:member_id>/consent")
def record_consent(member_id: UUID) -> ResponseReturnValue:
    """A consent taken on paper or by voice, with who, when, and the words."""
    now = parts().clock()
    with parts().open_db() as db:
        member = _get(db, member_id)
        errors: dict[str, str] = {}
        on = rows.read(errors, "consent_on", lambda: rows.iso_date(request.form.get("consent_on", "")), now.date())
        wording = rows.read(
            errors, "wording", lambda: rows.text(request.form.get("wording", ""), "the words they agreed to", 2000), ""
        )
        purposes = [purpose for purpose in PURPOSES if request.form.get(f"purpose_{purpose}") == "1"]
        channels = [channel for channel in Channel if request.form.get(f"channel_{channel}") == "1"]
        if not purposes:
            errors[f"purpose_{PURPOSES[0]}"] = "Tick at least one thing that they agreed to."
        if not channels:
            errors[f"channel_{Channel.SMS}"] = "Tick text, email, or both."
        if on > now.date():
            errors["consent_on"] = "Enter the day on which they agreed: it cannot be in the future."
        if request.form.get("method") not in METHODS:
            errors["method"] = "Choose how they agreed."
        if errors:
            return _page(db, member, errors, dict(request.form)), 422
        occurred_at = min(now, rows.instant(on.isoformat()))
        evidence = Evidence(occurred_at, request.form["method"], str(g.staff.id), wording, member.language)
        enrol.record_consent(db, member, channels, purposes, evidence, now)
        audit(db, g.staff.id, "consent recorded", member, now, method=evidence.method)
    flash("The consent is on record.", "success")
    return redirect(url_for("members.one_member", member_id=member_id))


@pages.post("/<uuid:member_id>/stop")
def stop(member_id: UUID) -> ResponseReturnValue:
    """The member asked another way: by voice, by mail, in person. In force at once; only they can lift it."""
    now = parts().clock()
    route = " ".join(request.form.get("route", "").split())[:60] or "told staff"
    channels = [channel for channel in Channel if request.form.get("channel") in (channel, "both")]
    with parts().open_db() as db:
        member = _get(db, member_id)
        for channel in channels:
            index = member.address_index(channel)
            if index is None:
                continue
            agreed = standing(db, member).agreed(channel, index)
            evidence = Evidence(now, "staff", str(g.staff.id), route, member.language)
            withdraw(db, member, channel, agreed, evidence, now)
            suppress(db, channel, index, f"staff: {route}", now)
        audit(db, g.staff.id, "stopped for member", member, now, channels=" ".join(channels))
    flash("Stopped. Nothing more is sent there unless they ask for it themselves.", "success")
    return redirect(url_for("members.one_member", member_id=member_id))


def _page(db: Session, member: Member, errors: dict[str, str], form: dict[str, str]) -> str:
    current = standing(db, member)
    deliveries = db.scalars(
        select(Delivery).where(Delivery.member_id == member.id).order_by(Delivery.next_at.desc()).limit(SHOWN)
    ).all()
    replies = db.scalars(Reply.newest().where(Reply.member_id == member.id).limit(SHOWN)).all()
    return render_template(
        "staff/member.html",
        member=member,
        state=member_state(member, current, _was_invited(db, member)),
        masked_mobile=masked(member.mobile) if member.mobile else "",
        consents=list(reversed(db.scalars(Consent.of([member.id])).all())),
        suppressed={channel: _is_suppressed(current, member, channel) for channel in Channel},
        enrolments=db.scalars(select(Enrolment).where(Enrolment.member_id == member.id)).all(),
        deliveries=deliveries,
        thread=_thread(deliveries, replies),
        purposes=PURPOSES,
        errors=errors,
        form=form,
    )


def _thread(deliveries: Sequence[Delivery], replies: Sequence[Reply]) -> list[Said]:
    """What was said both ways, oldest first."""
    said = [
        Said("out", row.body, row.marked_at, row)
        for row in deliveries
        if row.body and row.marked_at is not None and row.channel is Channel.SMS
    ]
    for reply in replies:
        said.append(Said("in", reply.text or "(no words)", reply.received_at))
        if reply.answer:
            said.append(Said("out", reply.answer, reply.received_at + timedelta(seconds=1)))
    return sorted(said, key=lambda one: one.at)


def _is_suppressed(current: Standing, member: Member, channel: Channel) -> bool:
    index = member.address_index(channel)
    return index is not None and current.is_suppressed(channel, index)


def _was_invited(db: Session, member: Member) -> bool:
    return db.scalars(select(Invitation.id).where(Invitation.member_id == member.id)).first() is not None


def _get(db: Session, member_id: UUID) -> Member:
    return db.get(Member, member_id) or abort(404)
