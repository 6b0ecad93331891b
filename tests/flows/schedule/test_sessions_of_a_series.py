"""A group's series puts its sessions into the calendar."""

from datetime import date, time, timedelta

from sqlalchemy import select

from service.flows.schedule import add_group, materialise, move_session
from service.models import Group, GroupSession, Rule
from service.rules.kinds import DEFAULT_RULES
from tests import builders
from tests.builders import LONDON, NOW, THURSDAY, about, local, weekly
from tests.flows.schedule.conftest import starts


def test_a_new_group_has_its_sessions_of_twelve_weeks(parts):
    with parts.open_db() as db:
        add_group(db, about(), weekly(), NOW)

        days = [moment.astimezone(builders.NEW_YORK) for moment in starts(db)]
    assert [day.date() for day in days] == [date(2027, 1, 7) + timedelta(weeks=week) for week in range(12)]


def test_a_new_group_starts_with_the_practices_rules(parts):
    with parts.open_db() as db:
        place = add_group(db, about(), weekly(), NOW)
        rules = db.scalars(select(Rule).where(Rule.group_id == place.id).order_by(Rule.position)).all()

    assert [(row.kind, row.timing) for row in rules] == [(one.kind, one.timing) for one in DEFAULT_RULES]


def test_each_session_starts_at_its_hour_on_the_wall_also_where_the_clocks_change(parts):
    with parts.open_db() as db:
        add_group(db, about(time_zone="Europe/London"), weekly(date(2027, 3, 18)), local("2027-03-10 12:00", LONDON))

        assert {moment.astimezone(LONDON).time() for moment in starts(db)} == {time(18, 30)}


def test_sessions_that_stand_already_are_not_added_again(parts):
    with parts.open_db() as db:
        place = add_group(db, about(), weekly(), NOW)
        again = materialise(db, place.series[0], NOW)

    assert again == 0


def test_each_week_another_session_comes_into_the_calendar(parts):
    with parts.open_db() as db:
        place = add_group(db, about(), weekly(), NOW)
        added = materialise(db, place.series[0], NOW + timedelta(weeks=1))

    assert added == 1


def test_a_session_that_was_moved_keeps_its_place_in_the_series(parts):
    with parts.open_db() as db:
        place = add_group(db, about(), weekly(), NOW)
        first = db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).first()
        move_session(db, first, THURSDAY - timedelta(days=1), NOW)

        assert materialise(db, place.series[0], NOW) == 0


def test_days_that_are_skipped_have_no_session(parts):
    with parts.open_db() as db:
        add_group(db, about(), weekly(skips=frozenset({date(2027, 1, 14)})), NOW)

        assert THURSDAY + timedelta(weeks=1) not in starts(db)


def test_a_series_ends_after_its_count(parts):
    with parts.open_db() as db:
        add_group(db, about(), weekly(count=3), NOW)

        assert len(starts(db)) == 3


def test_a_groups_name_is_found_whatever_its_case_and_spaces(parts):
    with parts.open_db() as db:
        builders.group(db, "Tuesday  Group")
        index = builders.schedule.name_index(" tuesday group ")

        assert db.scalars(select(Group).where(Group.name_index == index)).one().name == "Tuesday  Group"
