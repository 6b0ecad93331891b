"""A member with a guardian, and what is planned for both and sent to them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.deliver import deliver
from service.flows.plan import plan
from service.models import Delivery, Member
from service.rules.kinds import Anchor, Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, TODAY

MINE, THEIRS = "+12125550100", "+12125550177"
WEDNESDAY = THURSDAY - timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def made(parts):
    """A member with a guardian who agreed, a reminder a day before, and a question and a check-in after."""
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, THURSDAY - timedelta(days=7))
        builders.session(db, place)
        builders.rule(db, place)
        builders.rule(db, place, Kind.REFLECTION, 60, anchor=Anchor.AFTER)
        builders.rule(db, place, Kind.CHECKIN, 24 * 60, anchor=Anchor.AFTER)
        who = builders.member(db, mobile=MINE)
        builders.enrolled(db, place, who, TODAY - timedelta(days=30))
        guardian = builders.companion(db, who)
        plan(db, NOW)
        return who.id, guardian.id


def both(db, made):
    return [db.get_one(Member, one) for one in made]


def planned(db, who, *states):
    rows = db.scalars(select(Delivery).where(Delivery.member_id == who).order_by(Delivery.due_at))
    return [row.kind for row in rows if row.state in (states or (State.SCHEDULED,))]


def reasons(db, who):
    return {row.reason for row in db.scalars(select(Delivery).where(Delivery.member_id == who))}


def send_all(parts, post, clock, at=WEDNESDAY):
    """Whatever is due by then goes out, marked by two workers at once."""
    clock.go_to(at)
    with parts.read_db() as db:
        ids = list(db.scalars(select(Delivery.id).where(Delivery.next_at <= at, Delivery.state == State.SCHEDULED)))
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: deliver(post, ids), range(2)))
