"""On their birthday what a guardian agreed to is over, and the member is asked themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.of_age import ask_who_came_of_age
from service.flows.receive import receive
from service.flows.standing import standing
from service.models import Delivery, Invitation, Member
from service.rules.consent import MESSAGES, Channel, MinorRoute
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, TODAY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

MOBILE = "+12125550100"


def minor(db, adult_on=TODAY, route=MinorRoute.GUARDIAN):
    made = builders.scene(db, mobile=MOBILE)
    who = db.get_one(Member, made.member)
    who.adult_on, who.minor_route, who.minor_note = adult_on, route, "Her own phone, her mother reads it"
    db.flush()
    return who


def agreed(db, who):
    return standing(db, who).agreed(Channel.SMS, who.mobile_index)


def test_on_that_day_the_guardians_yes_is_over_and_they_are_asked_by_text(parts):
    with parts.open_db() as db:
        who = minor(db)
        assert ask_who_came_of_age(db, NOW) == 1
        texts = {row.kind: row.state for row in db.scalars(select(Delivery))}

        assert (agreed(db, who), who.adult_on, who.minor_route) == ((), None, None)
        assert texts == {Kind.REMINDER: State.SUPPRESSED, Kind.INVITATION: State.SCHEDULED}


def test_their_own_start_gives_them_what_there_was(parts):
    with parts.open_db() as db:
        who = minor(db)
        ask_who_came_of_age(db, NOW)
        receive(db, Inbound("SM1", MOBILE, "START"), NOW + timedelta(hours=1))

        assert set(agreed(db, who)) == set(MESSAGES)


def test_it_is_asked_once(parts):
    with parts.open_db() as db:
        minor(db)
        again = [ask_who_came_of_age(db, NOW), ask_who_came_of_age(db, NOW)]

        assert (again, len(db.scalars(select(Invitation)).all())) == ([1, 0], 1)


def test_whoever_could_agree_themselves_before_goes_on(parts):
    with parts.open_db() as db:
        who = minor(db, route=MinorRoute.MINOR)
        ask_who_came_of_age(db, NOW)

        assert set(agreed(db, who)) == set(MESSAGES)
        assert db.scalars(select(Invitation)).all() == []


def test_a_day_before_nothing_changes(parts):
    with parts.open_db() as db:
        who = minor(db, TODAY + timedelta(days=1))

        assert (ask_who_came_of_age(db, NOW), len(agreed(db, who))) == (0, len(MESSAGES))


def test_without_a_ground_before_nothing_was_agreed_and_nothing_is_asked(parts):
    with parts.open_db() as db:
        who = minor(db, route=None)
        ask_who_came_of_age(db, NOW)

        assert agreed(db, who) == ()
