"""What goes to whom in the next 14 days, and why; what would, if it were another moment; and a stop for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.flows import compose, links, write
from service.flows.audit import audit
from service.flows.foresee import Foreseen, foresee
from service.flows.standing import standings, wants_detail
from service.flows.stop import stop, waiting
from service.models import Consent, Delivery, Group, Practice
from service.rules import rows, sentences
from service.rules.consent import Channel, Standing
from service.rules.kinds import NATURES, REMINDERS, Kind
from service.rules.lifecycle import State
from service.rules.recurrence import starts_at
from service.web import parts
from service.web.forms import page_asked
from service.web.message import later
from service.web.narrowing import Narrowing, choices, group_names, of_group, one_page, with_names
from service.web.words import KIND_WORDS

pages = Blueprint("queue", __name__, url_prefix="/queue")

DAYS = 14
PER_PAGE = 50
MOST_GROUPS = 25
"""A dry run looks at every member of a group; of more groups than this one has to be chosen."""
PASSED_BY_SHOWN = 200


@dataclass(frozen=True)
class Coming:
    """One message that waits, with what it goes under."""

    delivery: Delivery
    rule: str
    consent: Consent | None
    refusal: str | None
    words: str
    """What a reminder by text says to this member, if it goes as planned."""

    @property
    def is_held(self) -> bool:
        return self.delivery.next_at > self.delivery.due_at


@pages.get("")
def coming() -> ResponseReturnValue:
    narrowing = Narrowing.read(request.args)
    errors = dict(narrowing.errors)
    page, now = page_asked(request.args), parts().clock()
    with parts().read_db() as db:
        practice = db.scalars(select(Practice)).one()
        wanted = _wanted(narrowing, now)
        total = db.scalar(select(func.count(Delivery.id)).where(*wanted)) or 0
        query = select(Delivery).where(*wanted).order_by(Delivery.next_at, Delivery.id)
        deliveries = one_page(db, query, page, PER_PAGE)
        as_of = _as_of(request.args, practice, errors)
        shown = render_template(
            "staff/queue.html",
            rows=_with_reasons(db, deliveries, practice),
            groups=group_names(db, deliveries),
            narrowing=narrowing,
            choices=choices(db, narrowing),
            kinds=KIND_WORDS,
            errors=errors,
            page=page,
            per_page=PER_PAGE,
            total=total,
            as_of=as_of,
            foreseen=_foreseen(db, narrowing, as_of, errors) if as_of else [],
            typed=_typed(request.args, now.astimezone(practice.zone)),
        )
    return shown, 422 if errors else 200


@pages.get("/<uuid:delivery_id>")
def one_delivery(delivery_id: UUID) -> ResponseReturnValue:
    """One message that waits: why it goes when it does, and the way to stop it."""
    with parts().read_db() as db:
        query = with_names(select(Delivery).where(Delivery.id == delivery_id))
        delivery = db.scalars(query).first() or abort(404)
        return _one(db, delivery, {}, {})


@pages.post("/<uuid:delivery_id>/edit")
def edit_delivery(delivery_id: UUID) -> ResponseReturnValue:
    """Other words or another hour, for what staff wrote: what rules ask for follows its rule."""
    now = parts().clock()
    errors: dict[str, str] = {}
    with parts().open_db() as db:
        delivery = waiting(db, delivery_id)
        if delivery is None or not _may_be_edited(delivery):
            flash("It has left already, or cannot be edited. Nothing was changed.", "error")
            return redirect(url_for("queue.coming"))
        about, typed = delivery.group_session, request.form.get("words", "")
        words = rows.read(errors, "words", lambda: rows.text(typed, "what you want to say", write.LONGEST), "")
        if words and (found := write.problems(db, words, about)):
            errors["words"] = " ".join(found)
        at = rows.read(errors, "at", lambda: later(db, request.form.get("at", ""), now), now)
        if errors:
            return _one(db, delivery, errors, request.form), 422
        write.change(delivery, write.Draft(words, about, at), db.scalars(select(Practice)).one())
        audit(db, g.staff.id, "message edited", delivery, now)
        flash("Changed.", "success")
    return redirect(url_for("queue.one_delivery", delivery_id=delivery_id))


@pages.post("/<uuid:delivery_id>/stop")
def stop_delivery(delivery_id: UUID) -> ResponseReturnValue:
    """The first press says what is lost by it; the second does it."""
    if request.form.get("confirmed") != "1":
        return redirect(url_for("queue.one_delivery", delivery_id=delivery_id))
    now = parts().clock()
    with parts().open_db() as db:
        delivery = waiting(db, delivery_id)
        if delivery is None or not stop(db, delivery, now):
            flash("It has left already, or is no longer planned. Nothing was stopped.", "error")
        else:
            audit(db, g.staff.id, "message stopped", delivery, now)
            flash("Stopped. This message does not go out, and is not planned again.", "success")
    return redirect(url_for("queue.coming"))


def _one(db: Session, delivery: Delivery, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    practice = db.scalars(select(Practice)).one()
    is_ours = _may_be_edited(delivery)
    return render_template(
        "staff/queue_one.html",
        row=_with_reasons(db, [delivery], practice)[0],
        delivery=delivery,
        group=group_names(db, [delivery]).get(delivery.id, ""),
        is_ours=is_ours,
        errors=dict(errors),
        words=typed.get("words", delivery.body if is_ours else ""),
        at=typed.get("at", f"{delivery.due_at.astimezone(practice.zone):%Y-%m-%dT%H:%M}"),
    )


def _may_be_edited(delivery: Delivery) -> bool:
    """What staff wrote in their own words, until it is first tried."""
    is_written = delivery.kind is Kind.NOTE and delivery.state is State.SCHEDULED and not delivery.attempts
    return is_written and links.hidden(delivery.body, parts().settings.public_url) == delivery.body


def _wanted(narrowing: Narrowing, now: datetime) -> list[ColumnElement[bool]]:
    wanted = [Delivery.state == State.SCHEDULED, Delivery.next_at < now + timedelta(days=DAYS)]
    if narrowing.group:
        wanted.append(of_group(narrowing.group))
    for column, value in (
        (Delivery.member_id, narrowing.member),
        (Delivery.kind, narrowing.kind),
        (Delivery.channel, narrowing.channel),
    ):
        if value:
            wanted.append(column == value)
    return wanted


def _with_reasons(db: Session, deliveries: Sequence[Delivery], practice: Practice) -> list[Coming]:
    """Three queries for all of them."""
    members = {row.member_id: row.member for row in deliveries}
    standing = standings(db, members.values())
    under: dict[UUID, int] = {}
    refusals: dict[UUID, str | None] = {}
    for row in deliveries:
        purpose, index = NATURES[row.kind].purpose, row.member.address_index(row.channel)
        if purpose and index:
            given = standing[row.member_id].consent(row.channel, purpose, index)
            under |= {row.id: given.seq} if given else {}
        refusals[row.id] = standing[row.member_id].refusal(row.channel, purpose, index) if purpose else None
    consents = {row.seq: row for row in db.scalars(select(Consent).where(Consent.seq.in_(under.values())))}
    return [
        Coming(
            row,
            _sentence(row),
            consents.get(under.get(row.id, 0)),
            refusals[row.id],
            _words(db, row, standing[row.member_id], practice),
        )
        for row in deliveries
    ]


def _words(db: Session, row: Delivery, current: Standing, practice: Practice) -> str:
    if row.kind not in REMINDERS or row.channel is not Channel.SMS:
        return ""
    in_detail = wants_detail(row.member, current)
    return compose.words_of(db, row, practice, row.next_at, in_detail=in_detail).text


def _sentence(delivery: Delivery) -> str:
    rule = delivery.rule
    if rule is not None:
        return sentences.sentence(rule.kind, rule.timing, rule.via, rule.stop_if_answered)
    return f"{delivery.why[:1].upper()}{delivery.why[1:]}." if delivery.why else "Asked for by staff."


def _as_of(given: Mapping[str, str], practice: Practice, errors: dict[str, str]) -> datetime | None:
    """`2027-01-05T17:59` on the practice's clock, or None: nobody asked, or it cannot be read."""
    text = given.get("as_of", "").strip()
    if not text:
        return None
    at = rows.read(errors, "as_of", lambda: rows.wall_moment(text), None)
    if at is None:
        return None
    as_of = starts_at(at.date(), at.time(), practice.zone)
    if abs(as_of - parts().clock()) > timedelta(days=DAYS):
        errors["as_of"] = f"Choose a moment within {DAYS} days of today."
        return None
    return as_of


def _typed(given: Mapping[str, str], now: datetime) -> str:
    return given.get("as_of", "") or f"{now:%Y-%m-%dT%H:%M}"


def _foreseen(db: Session, narrowing: Narrowing, as_of: datetime, errors: dict[str, str]) -> list[Foreseen]:
    query = Group.open() if narrowing.group is None else Group.open().where(Group.id == narrowing.group)
    groups = db.scalars(query.limit(MOST_GROUPS + 1)).all()
    if len(groups) > MOST_GROUPS:
        errors["group"] = f"Choose a group: there are more than {MOST_GROUPS} to look at."
        return []
    found = [
        one
        for one in foresee(db, groups, as_of)
        if (narrowing.kind in (None, one.kind)) and (narrowing.channel in (None, one.channel))
    ]
    goes = [one for one in found if one.refusal is None]
    return goes + [one for one in found if one.refusal is not None][:PASSED_BY_SHOWN]
