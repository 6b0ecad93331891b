"""Members: all of them, and one with contact, consent, conversation and log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.flows import break_glass, links
from service.flows.check_in import as_number, trend
from service.flows.companions import companions_of
from service.flows.reading import Read, Sight
from service.flows.show import member_state
from service.flows.standing import standing, standings, wants_detail
from service.models import CheckIn, Delivery, Enrolment, Invitation, Member, Reply
from service.models.practice import Role
from service.rules.consent import Channel, Standing
from service.rules.contact import masked, masked_email
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.web import parts
from service.web.on_record import before_showing

pages = Blueprint("members", __name__, url_prefix="/members")

SHOWN = 40
ASK_AGAIN = timedelta(days=90)


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
        everyone = db.scalars(Member.of_groups()).all()
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
        return _page(db, get_member(db, member_id))


@pages.post("/<uuid:member_id>/addresses")
def show_addresses(member_id: UUID) -> ResponseReturnValue:
    """The number and the address in full, this once."""
    with parts().read_db() as db:
        member = get_member(db, member_id)
        before_showing([Sight(Read.ADDRESSES, member)])
        return _page(db, member, in_full=True)


def _page(db: Session, member: Member, *, in_full: bool = False) -> str:
    current = standing(db, member)
    deliveries = _deliveries(db, member, parts().clock())
    may_read = g.staff.role.reads_replies
    replies = db.scalars(Reply.newest().where(Reply.member_id == member.id).limit(SHOWN)).all() if may_read else []
    check_ins, goals = trend(db, member.id), db.scalars(CheckIn.of(member.id, Kind.GOAL)).all()
    before_showing(_sights(member, replies, [*check_ins, *goals]))
    return render_template(
        "staff/member.html",
        member=member,
        state=member_state(member, current, _was_invited(db, member)),
        check_ins=[(row.asked_at, as_number(row.answer)) for row in check_ins],
        goals=goals,
        ask_again=_ask_again(member, parts().clock().date()),
        mobile=member.mobile if in_full or not member.mobile else masked(member.mobile),
        email=member.email if in_full or not member.email else masked_email(member.email),
        in_full=in_full,
        agreed={channel: current.agreed(channel, member.address_index(channel)) for channel in Channel},
        in_detail=wants_detail(member, current),
        suppressed=opted_out(current, member),
        enrolments=db.scalars(select(Enrolment).where(Enrolment.member_id == member.belongs_as)).all(),
        companions=_companions(db, member),
        deliveries=deliveries,
        thread=_thread(deliveries, replies) if may_read else [],
        may_read=may_read,
        **_openings(db, member),
    )


def _deliveries(db: Session, member: Member, now: datetime) -> Sequence[Delivery]:
    """What is to go, and what went or did not until now. What of days to come will not go is the queue's to say."""
    is_told = (Delivery.state == State.SCHEDULED) | (Delivery.next_at <= now)
    query = select(Delivery).where(Delivery.member_id == member.id, is_told)
    return db.scalars(query.order_by(Delivery.next_at.desc()).limit(SHOWN)).all()


def _companions(db: Session, member: Member) -> list[tuple[Member, str]]:
    """Who is reached for the member, each with what is true of them."""
    found = companions_of(db, [member])
    standing_of = standings(db, found)
    ids = [one.id for one in found]
    invited = set(db.scalars(select(Invitation.member_id).where(Invitation.member_id.in_(ids))))
    return [(one, member_state(one, standing_of[one.id], one.id in invited)) for one in found]


def _openings(db: Session, member: Member) -> dict[str, Any]:
    """What is kept back from an administrator, and until when it is open to them; and who opened it when."""
    is_admin = g.staff.role is Role.ADMIN
    return {
        "hidden": break_glass.hidden(db, member) if is_admin else 0,
        "opening": break_glass.in_force(db, g.staff.id, member.id, parts().machine_clock()) if is_admin else None,
        "openings": break_glass.of_member(db, member.id) if g.staff.role.reads_replies else [],
    }


def _sights(member: Member, replies: Sequence[Reply], answers: Sequence[CheckIn]) -> list[Sight]:
    shown = ((Read.REPLIES, replies), (Read.CHECK_INS, answers))
    return [Sight(what, member) for what, rows in shown if rows]


def _thread(deliveries: Sequence[Delivery], replies: Sequence[Reply]) -> list[Said]:
    """What was said both ways, oldest first."""
    said = [
        Said("out", links.hidden(row.body, parts().settings.public_url), row.marked_at, row)
        for row in deliveries
        if row.body and row.marked_at is not None and row.channel is Channel.SMS
    ]
    for reply in replies:
        said.append(Said("in", reply.text or "(no words)", reply.received_at))
        if reply.answer:
            said.append(Said("out", reply.answer, reply.received_at + timedelta(seconds=1)))
    return sorted(said, key=lambda one: one.at)


def _ask_again(member: Member, today: date) -> bool:
    """Whether what was safe may be so no longer: it was asked once, and too long ago."""
    return member.safe_asked_on is not None and today - member.safe_asked_on > ASK_AGAIN


def opted_out(current: Standing, member: Member) -> list[Channel]:
    """The channels on which the member said no to everything."""
    indexes = {channel: member.address_index(channel) for channel in Channel}
    return [channel for channel, index in indexes.items() if index and current.is_suppressed(channel, index)]


def _was_invited(db: Session, member: Member) -> bool:
    return db.scalars(select(Invitation.id).where(Invitation.member_id == member.id)).first() is not None


def get_member(db: Session, member_id: UUID) -> Member:
    """Of whoever was erased nothing is there."""
    member = db.get(Member, member_id)
    return member if member is not None and member.erased_at is None else abort(404)
