"""The clock takes up each group's plan from time to time, and touches what has fallen behind alone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import plan_ahead, schedule
from service.flows.plan import Changes
from service.models import Group, GroupSession
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)

SOON, LATER = NOW + timedelta(minutes=14), NOW + timedelta(minutes=16)


@pytest.fixture
def place(parts):
    """A weekly group with one member."""
    with parts.open_db() as db:
        made = schedule.add_group(db, builders.about(), builders.weekly(), NOW)
        builders.enrolled(db, made, builders.member(db))
        plan_ahead.bring_up(db, made.id, NOW)
        return made


def turn(parts, now):
    with parts.open_db() as db:
        return list(plan_ahead.take_turn(db, now))


@pytest.mark.parametrize(("now", "is_taken"), [(NOW, False), (SOON, False), (LATER, True)])
def test_a_plan_is_looked_at_every_quarter_of_an_hour_however_often_clocks_start(parts, place, now, is_taken):
    assert turn(parts, now) == [place.id] * is_taken
    assert turn(parts, now) == []


def test_a_clock_that_was_once_far_ahead_keeps_no_plan_from_being_looked_at(parts, place):
    turn(parts, NOW + timedelta(days=700))

    assert turn(parts, NOW) == [place.id]


def test_a_group_that_was_never_looked_at_has_its_turn_and_a_closed_one_has_none(parts, place):
    with parts.open_db() as db:
        never = builders.group(db, "Never")
        builders.group(db, "Closed").closed_at = NOW

    assert turn(parts, NOW) == [never.id]


def test_no_more_than_a_few_are_taken_at_once_and_each_once(parts):
    with parts.open_db() as db:
        made = {builders.group(db, f"Group {number}").id for number in range(plan_ahead.AT_ONCE + 3)}
    first, second, third = turn(parts, NOW), turn(parts, NOW), turn(parts, NOW)

    assert [len(first), len(second), len(third)] == [plan_ahead.AT_ONCE, 3, 0]
    assert {*first, *second} == made


@pytest.mark.parametrize("days", range(9))
def test_to_look_says_what_planning_would_do(parts, place, days):
    now = NOW + timedelta(days=days)
    with parts.read_db() as db:
        is_behind = plan_ahead.has_fallen_behind(db, place.id, now)
    with parts.open_db() as db:
        before = len(db.scalars(select(GroupSession)).all())
        changes = plan_ahead.bring_up(db, place.id, now)
        has_new_sessions = len(db.scalars(select(GroupSession)).all()) > before

    assert is_behind == (has_new_sessions or changes != Changes())
    with parts.read_db() as db:
        assert not plan_ahead.has_fallen_behind(db, place.id, now)


def test_what_was_changed_behind_the_planners_back_is_seen(parts, place):
    with parts.open_db() as db:
        for rule in db.get_one(Group, place.id).rules:
            rule.is_on = False
    with parts.read_db() as db:
        assert plan_ahead.has_fallen_behind(db, place.id, NOW)
