"""A member who was reminded, and what they write."""

from datetime import timedelta

from sqlalchemy import func, select

from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import Attendance, Member, Reply
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"


def wrote(parts, text, sender=MOBILE, sid="", at=NOW, says=None):
    """The answer to a text."""
    with parts.open_db() as db:
        written = db.scalars(select(func.count(Reply.id))).one()
        return receive(db, Inbound(sid or f"SM{written}", sender, text, says), at)


def asked(parts, kind=Kind.REMINDER, starts_at=builders.THURSDAY, mobile=MOBILE, name="Anna Bell", **values):
    """A member who was just asked about a session. Returns its id and theirs."""
    with parts.open_db() as db:
        place = builders.group(db, f"Group of {name} on {starts_at}")
        about = builders.session(db, place, starts_at)
        who = db.scalars(select(Member).where(Member.mobile_index == index_of(Channel.SMS, mobile))).first()
        who = who if who and who.name == name else builders.member(db, name, mobile=mobile)
        builders.enrolled(db, place, who)
        sent = {"state": State.DELIVERED, "marked_at": NOW - timedelta(hours=1), "attempts": 1, **values}
        builders.delivery(db, who, about, kind, **sent)
        return about.id, who.id


def answers(parts):
    with parts.read_db() as db:
        return {row.group_session_id: row.answer for row in db.scalars(select(Attendance))}


def replies(parts):
    with parts.read_db() as db:
        return db.scalars(Reply.newest()).all()
