"""Live, questions for words go out only while somebody who is on call was reached of late."""

from datetime import timedelta

import pytest

from service.flows.plan import is_in_line, plan
from service.models import Contact, Group
from service.models.groups import Safety
from service.rules.consent import Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, all_deliveries


@pytest.fixture
def live(parts):
    parts.engine.update_execution_options(is_live=True)
    yield parts
    parts.engine.update_execution_options(is_live=False)


def a_group_of_all_kinds(db, safety=Safety.UNMONITORED):
    place = builders.group(db)
    place.safety = safety
    builders.session(db, place)
    builders.rule(db, place)
    for kind in (Kind.REFLECTION, Kind.CHECKIN):
        builders.rule(db, place, kind, 60)
    builders.enrolled(db, place, builders.member(db))


def reached(db, days_ago):
    who = builders.staff(db, "oncall@oak.example.org")
    db.add(Contact(staff_id=who.id, position=0, days=[], tested_at=NOW - timedelta(days=days_ago)))
    db.flush()


def planned(db):
    plan(db, NOW)
    return {row.kind: (row.state, row.reason) for row in all_deliveries(db)}


@pytest.mark.parametrize(("days_ago", "goes"), [(1, True), (29, True), (31, False), (None, False)])
def test_a_question_for_words_goes_only_while_somebody_could_be_called(live, days_ago, goes):
    with live.open_db() as db:
        a_group_of_all_kinds(db)
        if days_ago is not None:
            reached(db, days_ago)

        assert (Kind.REFLECTION in planned(db)) == goes


def test_reminders_and_numbers_go_on_without(live):
    with live.open_db() as db:
        a_group_of_all_kinds(db)

        assert {Kind.REMINDER, Kind.CHECKIN} == set(planned(db))


def test_a_planned_question_waits_when_the_contact_is_lost_and_comes_back_with_them(live):
    with live.open_db() as db:
        a_group_of_all_kinds(db)
        reached(db, 1)
        before = planned(db)[Kind.REFLECTION]
        contact = db.query(Contact).one()
        contact.tested_at = None
        is_noticed = not is_in_line(db, db.query(Group).one(), NOW)
        lost = planned(db)[Kind.REFLECTION]
        contact.tested_at = NOW
        again = planned(db)[Kind.REFLECTION]

    assert before[0] is State.SCHEDULED
    assert is_noticed
    assert lost == (State.CANCELLED, Refusal.NOT_STAFFED)
    assert again[0] is State.SCHEDULED


def test_one_contact_is_not_enough_for_a_staffed_group(live):
    with live.open_db() as db:
        a_group_of_all_kinds(db, Safety.STAFFED)
        reached(db, 1)

        assert {Kind.REMINDER} == set(planned(db))


def test_practice_mode_asks_with_nobody_on_call(parts):
    with parts.open_db() as db:
        a_group_of_all_kinds(db)

        assert Kind.REFLECTION in planned(db)
