"""A time zone that this machine knows no more: the next best clock counts, and staff are told."""

import pytest
from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.plan import plan
from service.flows.quality import Fault, findings
from service.flows.receive import receive
from service.models import Delivery, Group, Member, Practice
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW, TODAY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GONE = "Middle-earth/Bree"


def due(parts):
    with parts.open_db() as db:
        plan(db, NOW)
        return db.scalars(select(Delivery)).one().next_at


@pytest.mark.parametrize("model", [Member, Group, Practice])
def test_planning_goes_on_by_the_next_best_clock(parts, model):
    with parts.open_db() as db:
        builders.scene(db)
    before = due(parts)
    with parts.open_db() as db:
        db.scalars(select(model)).one().time_zone = GONE

    assert due(parts) == before


def test_whoever_lives_there_is_answered_and_listed(parts):
    with parts.open_db() as db:
        scene = builders.scene(db, mobile="+12125550100")
        who = db.get_one(Member, scene.member)
        who.time_zone = GONE
        db.flush()

        assert "no questions until" in receive(db, Inbound("SM1", "+12125550100", "PAUSE"), NOW)
        assert [(one.fault, one.member.id) for one in findings(db, TODAY, NOW)] == [(Fault.ZONE, who.id)]


def test_an_answer_in_a_group_without_a_clock_names_the_day_on_the_practices(parts):
    with parts.open_db() as db:
        place = builders.group(db, link="https://example.org/room", place="")
        place.time_zone = GONE
        who = builders.member(db, mobile="+12125550100", time_zone=None)
        about = builders.session(db, place)
        sent = {"state": "delivered", "marked_at": NOW, "attempts": 1}
        builders.delivery(db, who, about, Kind.REMINDER, **sent)

        assert "Thu Jan 7 at 6:30 PM" in receive(db, Inbound("SM1", "+12125550100", "C"), NOW)
