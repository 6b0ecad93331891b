"""A series that is changed from one session on."""

from datetime import date, time, timedelta

import pytest
from sqlalchemy import select

from service.flows.schedule import add_group, cancel_session, change_from, materialise, move_session
from service.models import Delivery, GroupSession, Member, Series
from service.models.groups import SessionState
from service.rules.consent import Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, about, weekly
from tests.flows.schedule.conftest import notices, starts


@pytest.fixture
def series(parts):
    """A group that meets on Thursdays at 18:30, with one member who is texted."""
    with parts.open_db() as db:
        place = add_group(db, about(), weekly(), NOW)
        builders.enrolled(db, place, builders.member(db))
        return place.id


def third(db):
    return db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).all()[2]


def test_from_here_on_the_later_sessions_have_the_new_hour(parts, series):
    with parts.open_db() as db:
        change_from(db, third(db), weekly(date(2027, 1, 21), time(17)), NOW)
        hours = [moment.astimezone(builders.NEW_YORK).time() for moment in starts(db)]

    assert hours[:4] == [time(18, 30), time(18, 30), time(17), time(17)]


def test_from_here_on_no_session_stands_twice(parts, series):
    with parts.open_db() as db:
        change_from(db, third(db), weekly(date(2027, 1, 21), time(17)), NOW)

        assert len(starts(db)) == len(set(starts(db))) == 12


def test_from_here_on_members_are_told_of_the_first_session_that_changes_and_not_of_all_ten(parts, series):
    with parts.open_db() as db:
        first = third(db)
        change_from(db, first, weekly(date(2027, 1, 21), time(17)), NOW)

        assert [row.group_session_id for row in notices(db, Kind.MOVED)] == [first.id]


def test_from_here_on_members_are_told_of_each_session_that_they_were_reminded_of(parts, series):
    with parts.open_db() as db:
        later = db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).all()[3]
        builders.delivery(db, db.scalars(select(Member)).one(), later, marked_at=NOW)
        change_from(db, third(db), weekly(date(2027, 1, 21), time(17)), NOW)

        assert {row.group_session_id for row in notices(db, Kind.MOVED)} == {third(db).id, later.id}


def test_from_here_on_another_day_cancels_the_old_ones(parts, series):
    with parts.open_db() as db:
        change_from(db, third(db), weekly(date(2027, 1, 19), time(18, 30)), NOW)
        rows = db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).all()
        planned = [row.starts_at.astimezone(builders.NEW_YORK).weekday() for row in rows if not row.is_cancelled]

    assert planned == [3, 3] + [1] * 10


def test_from_here_on_the_old_series_makes_no_more_sessions(parts, series):
    with parts.open_db() as db:
        change_from(db, third(db), weekly(date(2027, 1, 19)), NOW)
        later = NOW + timedelta(weeks=3)
        before = len(starts(db))
        for one in db.scalars(select(Series)):
            materialise(db, one, later)
        new = starts(db)[before:]

    assert {moment.astimezone(builders.NEW_YORK).weekday() for moment in new} == {1}


def test_a_change_from_here_on_leaves_the_earlier_sessions_alone(parts, series):
    with parts.open_db() as db:
        change_from(db, third(db), weekly(date(2027, 1, 19)), NOW)

        assert starts(db)[:2] == [THURSDAY, THURSDAY + timedelta(weeks=1)]


def test_a_session_that_was_cancelled_stays_cancelled_from_here_on(parts, series):
    with parts.open_db() as db:
        cancel_session(db, third(db), NOW)
        change_from(db, third(db), weekly(date(2027, 1, 21), time(17)), NOW)
        days = [row for row in db.scalars(select(GroupSession)) if row.series_on == date(2027, 1, 21)]

    assert [row.state for row in days] == [SessionState.CANCELLED]


def test_a_moved_session_is_reminded_of_at_its_new_hours(parts, series):
    with parts.open_db() as db:
        builders.plan(db, NOW)
        first = db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).first()
        move_session(db, first, THURSDAY + timedelta(hours=24), NOW)
        query = select(Delivery).where(Delivery.group_session_id == first.id, Delivery.rule_id.is_not(None))
        rows = list(db.scalars(query))

    assert {row.reason for row in rows if row.state is State.CANCELLED} == {Refusal.SESSION_MOVED}
    assert min(row.due_at for row in rows if row.state is State.SCHEDULED) == THURSDAY - timedelta(hours=48)
