from datetime import date, time, timedelta

import pytest
from sqlalchemy import select

from service.flows.announce import expected
from service.flows.deliver import deliver
from service.flows.schedule import (
    add_group,
    cancel_session,
    change_from,
    materialise,
    move_session,
)
from service.models import Delivery, Group, GroupSession, Member, Rule, Series
from service.models.groups import SessionState
from service.rules.consent import Choice, Refusal
from service.rules.kinds import DEFAULT_RULES, Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import LONDON, NOW, THURSDAY, about, local, weekly


def starts(db):
    return list(db.scalars(select(GroupSession.starts_at).order_by(GroupSession.starts_at)))


def notices(db, kind):
    return [row for row in builders.all_deliveries(db) if row.kind is kind]


@pytest.fixture
def met(parts):
    """A group with members of every kind of reach, which meets on Thursday at 18:30. Its session's id."""
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        for who in (
            builders.member(db, "Texted"),
            builders.member(db, "Mailed", choice=Choice.EMAIL, email="m@example.org", mobile=""),
            builders.member(db, "Both", choice=Choice.BOTH, email="b@example.org"),
            builders.member(db, "Neither", choice=Choice.NONE),
            builders.member(db, "Never asked", agrees=()),
        ):
            builders.enrolled(db, place, who)
        builders.session(db, place, THURSDAY + timedelta(weeks=1))
        return meeting.id


def names(db, ids):
    return sorted(db.get_one(Member, one).name for one in ids)


# series


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


# moving


def test_a_moved_session_keeps_its_length(parts, met):
    with parts.open_db() as db:
        meeting = db.get_one(GroupSession, met)
        move_session(db, meeting, THURSDAY + timedelta(days=1), NOW)

        assert (meeting.starts_at, meeting.minutes, meeting.start_revision) == (THURSDAY + timedelta(days=1), 90, 1)


def test_of_a_move_each_member_is_told_once_on_every_channel_they_agreed_to(parts, met):
    with parts.open_db() as db:
        told = move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), NOW)
        who = sorted((row.member.name, row.channel.value) for row in notices(db, Kind.MOVED))

    assert who == [("Both", "email"), ("Both", "sms"), ("Mailed", "email"), ("Texted", "sms")]
    assert (told.by_text, told.by_email) == (2, 2)


def test_of_a_move_it_is_said_who_must_be_phoned(parts, met):
    with parts.open_db() as db:
        told = move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), NOW)

        assert names(db, told.to_phone) == ["Neither", "Never asked"]


def test_a_move_to_the_same_hour_is_none(parts, met):
    with parts.open_db() as db:
        told = move_session(db, db.get_one(GroupSession, met), THURSDAY, NOW)

        assert (told.by_text, notices(db, Kind.MOVED)) == (0, [])


def test_the_news_of_a_move_names_both_hours(parts, post, texts, met):
    with parts.open_db() as db:
        move_session(db, db.get_one(GroupSession, met), local("2027-01-08 17:00"), NOW)
        ids = [row.id for row in notices(db, Kind.MOVED)]
    deliver(post, ids)

    assert texts.outbox[0].text == (
        "Oak St Office: Your appointment moved from Thu Jan 7 6:30 PM to Fri Jan 8 5:00 PM. Reply C to confirm or X if"
        " you can't come. Call 212-555-0199."
    )


def test_a_session_moved_twice_is_told_of_with_its_last_hour_alone(parts, post, texts, met):
    for hours in (24, 48):
        with parts.open_db() as db:
            move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(hours=hours), NOW)
    with parts.open_db() as db:
        ids = [row.id for row in notices(db, Kind.MOVED)]
    deliver(post, ids)

    assert {message.text.partition(" to ")[2][:18] for message in texts.outbox} == {"Sat Jan 9 6:30 PM."}
    assert len(texts.outbox) == 2


def test_a_move_made_at_night_is_told_in_the_morning(parts, met):
    with parts.open_db() as db:
        night = local("2027-01-05 22:00")
        move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), night)

        assert {row.next_at for row in notices(db, Kind.MOVED) if row.channel == "sms"} == {local("2027-01-06 09:00")}


# cancelling


def test_of_a_cancellation_each_member_is_told_once(parts, met):
    with parts.open_db() as db:
        told = cancel_session(db, db.get_one(GroupSession, met), NOW)
        again = cancel_session(db, db.get_one(GroupSession, met), NOW)

        assert (told.by_text, told.by_email, again.by_text, len(notices(db, Kind.CANCELLED))) == (2, 2, 0, 4)


def test_the_news_of_a_cancellation_names_the_next_session(parts, post, texts, met):
    with parts.open_db() as db:
        cancel_session(db, db.get_one(GroupSession, met), NOW)
        ids = [row.id for row in notices(db, Kind.CANCELLED)]
    deliver(post, ids)

    assert texts.outbox[0].text == (
        "Oak St Office: Your Thu Jan 7 6:30 PM appointment is canceled. Please do not come. Next one: Thu Jan 14"
        " 6:30 PM. Questions? Call 212-555-0199."
    )


def test_the_news_of_the_last_session_names_no_next_one(parts, post, texts, met):
    with parts.open_db() as db:
        for meeting in db.scalars(select(GroupSession).order_by(GroupSession.starts_at.desc())):
            cancel_session(db, meeting, NOW)
        ids = [row.id for row in notices(db, Kind.CANCELLED) if row.group_session_id == met]
    deliver(post, ids)

    assert "Next one" not in texts.outbox[0].text


def test_cancelled_at_night_a_few_hours_before_somebody_has_to_phone(parts, met):
    with parts.open_db() as db:
        meeting = db.get_one(GroupSession, met)
        meeting.starts_at, meeting.ends_at = local("2027-01-05 10:00"), local("2027-01-05 11:30")
        db.flush()
        told = cancel_session(db, meeting, local("2027-01-05 05:00"))

        assert names(db, told.to_phone) == ["Neither", "Never asked", "Texted"]
        assert {row.channel.value for row in notices(db, Kind.CANCELLED)} == {"email"}


def test_who_opted_out_must_be_phoned(parts, met):
    with parts.open_db() as db:
        texted = next(row for row in db.scalars(select(Member)) if row.name == "Texted")
        builders.suppress_texts(db, texted)
        told = cancel_session(db, db.get_one(GroupSession, met), NOW)

        assert "Texted" in names(db, told.to_phone)


def test_of_a_session_that_is_over_nobody_is_told(parts, met):
    with parts.open_db() as db:
        told = cancel_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(hours=3))

        assert (told.by_text, told.to_phone, notices(db, Kind.CANCELLED)) == (0, (), [])


def test_members_on_leave_are_not_told(parts, met):
    with parts.open_db() as db:
        place = db.get_one(GroupSession, met).group
        away = builders.member(db, "Away")
        builders.enrolled(db, place, away, away_from=THURSDAY.date())
        told = cancel_session(db, db.get_one(GroupSession, met), NOW)

        assert away.id not in {row.member_id for row in notices(db, Kind.CANCELLED)} | set(told.to_phone)


def test_a_cancelled_sessions_news_of_a_move_is_void(parts, post, texts, met):
    with parts.open_db() as db:
        move_session(db, db.get_one(GroupSession, met), THURSDAY + timedelta(days=1), NOW)
    with parts.open_db() as db:
        cancel_session(db, db.get_one(GroupSession, met), NOW)
        ids = [row.id for row in builders.all_deliveries(db)]
    deliver(post, ids)

    assert all("canceled" in message.text for message in texts.outbox)


def test_all_changes_are_in_one_transaction(parts, met):
    def cancel_and_fail():
        with parts.open_db() as db:
            cancel_session(db, db.get_one(GroupSession, met), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cancel_and_fail()

    with parts.read_db() as db:
        assert (db.get_one(GroupSession, met).state, builders.all_deliveries(db)) == (SessionState.PLANNED, [])


def test_expected_are_those_who_belong_on_the_day(parts, met):
    with parts.open_db() as db:
        place = db.get_one(GroupSession, met).group
        builders.enrolled(db, place, builders.member(db, "Later"), joined_on=THURSDAY.date() + timedelta(days=1))
        builders.enrolled(db, place, builders.member(db, "Left"), left_on=THURSDAY.date())
        who = [row.name for row in expected(db, db.get_one(GroupSession, met))]

    assert sorted(who) == ["Both", "Mailed", "Neither", "Never asked", "Texted"]


# from here on


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


def test_a_groups_name_is_found_whatever_its_case_and_spaces(parts):
    with parts.open_db() as db:
        builders.group(db, "Tuesday  Group")
        index = builders.schedule.name_index(" tuesday group ")

        assert db.scalars(select(Group).where(Group.name_index == index)).one().name == "Tuesday  Group"
