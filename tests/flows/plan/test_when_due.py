"""When a message is due, and until when it is of use."""

from datetime import time, timedelta

import pytest
from sqlalchemy import select

from service.flows.consider import HORIZON
from service.flows.deliver import deliver
from service.flows.plan import plan
from service.models import Delivery
from service.rules.consent import Channel, Choice, Refusal
from service.rules.kinds import Anchor, Kind, Via
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, LONDON, NOW, THURSDAY, all_deliveries, local
from tests.flows.plan.conftest import WEDNESDAY, the_delivery


def due_of_kind(db, kind=Kind.REMINDER):
    return [row.due_at for row in all_deliveries(db) if row.kind is kind]


def planned_with(parts, meets_at=THURSDAY, now=NOW, zone="America/New_York", **of_rule):
    """What is planned for one member of a group with one such rule."""
    with parts.open_db() as db:
        place = builders.group(db, time_zone=zone)
        builders.session(db, place, meets_at)
        builders.rule(db, place, **of_rule)
        builders.enrolled(db, place, builders.member(db))
        plan(db, now)
        return all_deliveries(db)


def test_a_reminder_a_day_before_is_due_24_hours_before_the_start(parts, scene):
    assert the_delivery(parts).due_at == WEDNESDAY


def test_a_reminder_is_of_use_until_ten_minutes_before_the_start(parts, scene):
    assert the_delivery(parts).expires_at == THURSDAY - timedelta(minutes=10)


def test_a_day_before_is_24_hours_also_where_the_clocks_change(parts):
    sunday = local("2027-03-14 15:00")  # the clocks went forward at two in the morning
    (row,) = planned_with(parts, sunday, now=sunday - timedelta(days=3))

    assert row.due_at == local("2027-03-13 14:00")


def test_days_before_are_days_of_the_calendar_on_the_groups_clock(parts):
    sunday = local("2027-03-28 15:00", LONDON)  # the clocks went forward at one in the morning
    (row,) = planned_with(parts, sunday, now=sunday - timedelta(days=3), zone="Europe/London", days=1, at=time(14, 0))

    assert row.due_at == local("2027-03-27 14:00", LONDON)


def test_a_check_in_comes_days_after_the_session_at_its_hour(parts):
    (row,) = planned_with(parts, kind=Kind.CHECKIN, days=3, at=time(12))

    assert row.due_at == local("2027-01-10 12:00")


def test_a_reflection_comes_so_long_after_the_end(parts):
    (row,) = planned_with(parts, kind=Kind.REFLECTION, minutes=18 * HOURS)

    assert row.due_at == local("2027-01-08 14:00")


def test_a_reminder_that_falls_into_the_night_goes_at_the_nearer_edge_of_it(parts):
    (row,) = planned_with(parts, local("2027-01-07 11:30"), minutes=3 * HOURS)

    assert (row.due_at, row.next_at) == (local("2027-01-07 08:30"), local("2027-01-07 09:00"))
    assert row.why == "3 hours before the session, held by quiet hours"


def test_a_prompt_that_falls_into_the_night_waits_for_the_morning(parts):
    (row,) = planned_with(parts, kind=Kind.REFLECTION, minutes=2 * HOURS)

    assert (row.due_at, row.next_at) == (local("2027-01-07 22:00"), local("2027-01-08 09:00"))


def test_quiet_hours_are_those_of_the_members_own_clock(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, local("2027-01-07 12:00"))
        builders.rule(db, place)
        builders.enrolled(db, place, builders.member(db, time_zone="America/Los_Angeles"))
        builders.enrolled(db, place, builders.member(db, time_zone="America/New_York"))
        plan(db, NOW)
        hours = sorted(row.next_at for row in all_deliveries(db))

    assert hours[0] == local("2027-01-06 12:00")
    assert hours[1] == local("2027-01-06 12:00")


def test_of_a_member_whose_clock_is_not_known_every_clock_counts(parts):
    with parts.open_db() as db:
        place = builders.group(db, time_zone="America/Los_Angeles")
        builders.session(db, place, local("2027-01-07 12:00", builders.LOS_ANGELES))
        builders.rule(db, place, minutes=HOURS * 27)  # nine in Los Angeles, noon in New York
        builders.enrolled(db, place, builders.member(db, time_zone=None))  # a New York number
        plan(db, NOW)

    assert the_delivery(parts).next_at == local("2027-01-06 12:00")


def test_of_reminders_whose_time_has_passed_only_the_last_is_planned(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, local("2027-01-05 09:30"))  # tomorrow, in less than a day
        for hours in (72, 24, 3):
            builders.rule(db, place, minutes=hours * HOURS)
        builders.enrolled(db, place, builders.member(db))
        plan(db, NOW)

        assert due_of_kind(db) == [local("2027-01-04 09:30"), local("2027-01-05 06:30")]


def test_a_reminder_whose_time_has_passed_goes_now_and_says_so(parts):
    (row,) = planned_with(parts, local("2027-01-05 09:30"))

    assert (row.next_at, row.why) == (NOW, "24 hours before the session, its time had passed")


def test_a_reminder_is_superseded_when_the_next_one_is_due(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        for hours in (72, 24):
            builders.rule(db, place, minutes=hours * HOURS)
        builders.enrolled(db, place, builders.member(db))
        plan(db, NOW)
        first, second = all_deliveries(db)

    assert first.expires_at == second.due_at


def test_a_reminder_is_not_superseded_by_one_that_goes_to_others(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, local("2027-01-05 09:30"))
        builders.rule(db, place, minutes=72 * HOURS)
        builders.rule(db, place, minutes=24 * HOURS, via=Via.EMAIL)
        builders.enrolled(db, place, builders.member(db))  # by text only
        plan(db, NOW)

    assert the_delivery(parts).channel is Channel.SMS


def test_a_prompt_never_supersedes_a_reminder(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        builders.rule(db, place, Kind.CHECKIN, minutes=10, anchor=Anchor.BEFORE)
        builders.enrolled(db, place, builders.member(db))
        plan(db, NOW)

        assert len(all_deliveries(db)) == 2


def test_sessions_beyond_the_horizon_are_not_planned_yet(parts):
    assert planned_with(parts, NOW + HORIZON + timedelta(days=2)) == []


def test_what_is_beyond_the_horizon_is_planned_when_it_comes_near(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, NOW + HORIZON + timedelta(days=2))
        builders.rule(db, place)
        builders.enrolled(db, place, builders.member(db))
        plan(db, NOW)
        plan(db, NOW + timedelta(days=2))

        assert len(all_deliveries(db)) == 1


def test_nothing_is_planned_about_a_session_that_has_started(parts):
    assert planned_with(parts, NOW - timedelta(minutes=5)) == []


# no useful hour before the session


@pytest.fixture
def early(parts):
    """A session at 9:30 tomorrow, known of since tonight at 22:00: no hour outside the night is left for a text."""
    tonight = builders.local("2027-01-04 22:00")
    with parts.open_db() as db:
        builders.practice(db)
        place = builders.group(db)
        met = builders.session(db, place, builders.local("2027-01-05 09:30"))
        same_day = builders.rule(db, place, Kind.SAME_DAY, 180)
        builders.enrolled(db, place, builders.member(db, choice=Choice.BOTH, email="ana@example.org"))
        plan(db, tonight)
        return met.id, same_day.id


def test_a_reminder_with_no_useful_hour_is_not_lost_without_a_word(parts, early):
    with parts.read_db() as db:
        rows = db.scalars(select(Delivery).where(Delivery.rule_id == early[1])).all()

    assert {row.channel for row in rows} == {Channel.SMS, Channel.EMAIL}


def test_of_a_reminder_with_no_useful_hour_the_mail_goes_and_the_text_is_shown_as_not_sent(parts, post, clock, early):
    clock.go_to(builders.local("2027-01-05 06:31"))
    with parts.read_db() as db:
        ids = list(db.scalars(select(Delivery.id).where(Delivery.rule_id == early[1])))

    deliver(post, ids)

    with parts.read_db() as db:
        fates = {row.channel: (row.state, row.reason) for row in db.scalars(select(Delivery))}
    assert fates == {
        Channel.EMAIL: (State.ACCEPTED, None),
        Channel.SMS: (State.EXPIRED, Refusal.TOO_LATE),
    }
