import threading
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol
from service.flows.consider import HORIZON
from service.flows.deliver import deliver
from service.flows.plan import plan, plan_member
from service.flows.schedule import cancel_session, move_session
from service.flows.suppress import lift, suppress
from service.models import Delivery, DeliveryEvent, Enrolment, Group, GroupSession, Member, Rule
from service.models.groups import Answer, Came
from service.rules.consent import Channel, Choice, Refusal
from service.rules.kinds import Anchor, Kind, Via
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, LONDON, NOW, THURSDAY, all_deliveries, local

WEDNESDAY = THURSDAY - timedelta(days=1)


@pytest.fixture
def scene(parts):
    """One reminder, planned for Wednesday at 18:30."""
    with parts.open_db() as db:
        return builders.scene(db)


def the_delivery(parts):
    with parts.read_db() as db:
        (row,) = all_deliveries(db)
        return row


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


def test_a_member_of_both_channels_hears_on_both(parts):
    with parts.open_db() as db:
        builders.scene(db, choice=Choice.BOTH, email="anna@example.org")

        assert {row.channel for row in all_deliveries(db)} == {Channel.SMS, Channel.EMAIL}


def test_a_rule_by_text_does_not_reach_a_member_who_chose_email(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place, via=Via.SMS)
        builders.enrolled(db, place, builders.member(db, choice=Choice.EMAIL, email="anna@example.org"))
        plan(db, NOW)

        assert all_deliveries(db) == []


def test_without_consent_nothing_is_planned(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        builders.enrolled(db, place, builders.member(db, agrees=()))
        plan(db, NOW)

        assert all_deliveries(db) == []


@pytest.mark.parametrize("kind", [Kind.REFLECTION, Kind.CHECKIN])
def test_a_consent_to_reminders_is_none_to_prompts(parts, kind):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place, kind, minutes=18 * HOURS)
        builders.enrolled(db, place, builders.member(db, agrees=["reminder"]))
        plan(db, NOW)

        assert all_deliveries(db) == []


def test_a_consent_does_not_follow_the_member_to_another_number(parts, scene):
    with parts.open_db() as db:
        who = db.get_one(Member, scene.member)
        who.set_mobile("+12125550177", ["America/New_York"])
        db.flush()
        plan_member(db, who, NOW)

    assert the_delivery(parts).reason == Refusal.NO_CONSENT


def test_planning_twice_changes_nothing(parts, scene):
    with parts.open_db() as db:
        again = plan(db, NOW)

    assert (again.planned, again.moved, again.dropped) == (0, 0, 0)


def test_planning_again_later_changes_nothing(parts, scene):
    with parts.open_db() as db:
        again = plan(db, NOW + timedelta(minutes=5))

    assert (again.planned, again.moved, again.dropped) == (0, 0, 0)


def test_two_who_plan_at_once_plan_each_delivery_once(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        for week in range(2):
            builders.session(db, place, THURSDAY + timedelta(weeks=week))
        builders.rule(db, place)
        for _ in range(5):
            builders.enrolled(db, place, builders.member(db))
    errors = []

    def plan_once():
        try:
            with parts.open_db() as db:
                plan(db, NOW)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=plan_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with parts.read_db() as db:
        assert (errors, len(all_deliveries(db))) == ([], 10)


def test_a_rule_switched_off_takes_its_messages_back(parts, scene):
    with parts.open_db() as db:
        db.get_one(Rule, scene.rule).is_on = False
        plan(db, NOW)

    assert (the_delivery(parts).state, the_delivery(parts).reason) == (State.CANCELLED, Refusal.RULE_OFF)


def test_a_rule_switched_on_again_revives_what_it_took_back(parts, scene):
    with parts.open_db() as db:
        db.get_one(Rule, scene.rule).is_on = False
        plan(db, NOW)
    with parts.open_db() as db:
        db.get_one(Rule, scene.rule).is_on = True
        plan(db, NOW)

    row = the_delivery(parts)
    assert (row.state, row.reason, row.settled_at) == (State.SCHEDULED, None, None)


def test_a_rule_given_another_hour_moves_what_it_has_planned(parts, scene):
    with parts.open_db() as db:
        db.get_one(Rule, scene.rule).minutes = 48 * HOURS
        plan(db, NOW)

    assert the_delivery(parts).due_at == THURSDAY - timedelta(hours=48)


def test_other_opening_hours_move_what_is_planned(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place, local("2027-01-07 10:30"))
        builders.rule(db, place, minutes=26 * HOURS)
        builders.enrolled(db, place, builders.member(db))
        plan(db, NOW)
    with parts.open_db() as db:
        builders.practice(db, opens=time(8))
        plan(db, NOW)

    assert the_delivery(parts).next_at == local("2027-01-06 08:30")


def test_a_moved_session_voids_what_was_planned_for_its_old_start(parts, scene):
    with parts.open_db() as db:
        move_session(db, db.get_one(GroupSession, scene.session), THURSDAY + timedelta(days=1), NOW)
        reminders = [row for row in all_deliveries(db) if row.kind is Kind.REMINDER]

    assert [(row.due_at, row.state, row.reason) for row in reminders] == [
        (WEDNESDAY, State.CANCELLED, Refusal.SESSION_MOVED),
        (THURSDAY, State.SCHEDULED, None),
    ]


def test_a_session_moved_away_and_back_is_reminded_of_once(parts, scene):
    for start in (THURSDAY + timedelta(days=1), THURSDAY):
        with parts.open_db() as db:
            move_session(db, db.get_one(GroupSession, scene.session), start, NOW)
    with parts.read_db() as db:
        reminders = [row for row in all_deliveries(db) if row.kind is Kind.REMINDER]

    assert [row.due_at for row in reminders if row.state is State.SCHEDULED] == [WEDNESDAY]


def test_a_session_moved_beyond_the_horizon_leaves_nothing_behind(parts, scene):
    with parts.open_db() as db:
        move_session(db, db.get_one(GroupSession, scene.session), THURSDAY + timedelta(days=60), NOW)
        reminders = [row for row in all_deliveries(db) if row.kind is Kind.REMINDER]

    assert [(row.state, row.reason) for row in reminders] == [(State.CANCELLED, Refusal.SESSION_MOVED)]


def test_a_cancelled_session_is_not_reminded_of(parts, scene):
    with parts.open_db() as db:
        cancel_session(db, db.get_one(GroupSession, scene.session), NOW)
        (row,) = [row for row in all_deliveries(db) if row.kind is Kind.REMINDER]

    assert (row.state, row.reason) == (State.CANCELLED, Refusal.SESSION_CANCELLED)


def test_consent_withdrawn_takes_back_what_is_planned(parts, scene):
    with parts.open_db() as db:
        who = db.get_one(Member, scene.member)
        builders.withdraw(db, who)
        plan_member(db, who, NOW)

    assert (the_delivery(parts).state, the_delivery(parts).reason) == (State.SUPPRESSED, Refusal.NO_CONSENT)


def test_consent_given_again_revives_what_was_taken_back(parts, scene):
    for change in (builders.withdraw, builders.agree):
        with parts.open_db() as db:
            who = db.get_one(Member, scene.member)
            change(db, who)
            plan_member(db, who, NOW)

    assert the_delivery(parts).state is State.SCHEDULED


def test_an_opt_out_takes_back_what_is_planned(parts, scene):
    with parts.open_db() as db:
        suppress(db, Channel.SMS, db.get_one(Member, scene.member).mobile_index, "wrote STOP", NOW)

    assert (the_delivery(parts).state, the_delivery(parts).reason) == (State.SUPPRESSED, Refusal.OPTED_OUT)


def test_an_opt_out_lifted_by_its_owner_revives_what_was_taken_back(parts, scene):
    with parts.open_db() as db:
        index = db.get_one(Member, scene.member).mobile_index
        suppress(db, Channel.SMS, index, "wrote STOP", NOW)
    with parts.open_db() as db:
        lift(db, Channel.SMS, index, NOW)

    assert the_delivery(parts).state is State.SCHEDULED


def test_an_opt_out_of_texts_leaves_email_alone(parts):
    with parts.open_db() as db:
        made = builders.scene(db, choice=Choice.BOTH, email="anna@example.org")
        suppress(db, Channel.SMS, db.get_one(Member, made.member).mobile_index, "wrote STOP", NOW)
        states = {row.channel: row.state for row in all_deliveries(db)}

    assert states == {Channel.SMS: State.SUPPRESSED, Channel.EMAIL: State.SCHEDULED}


def test_what_was_taken_back_too_long_ago_is_not_revived(parts, scene):
    with parts.open_db() as db:
        builders.withdraw(db, db.get_one(Member, scene.member))
        plan(db, NOW)
    with parts.open_db() as db:
        builders.agree(db, db.get_one(Member, scene.member))
        plan(db, THURSDAY + timedelta(minutes=1))

    assert the_delivery(parts).state is State.SUPPRESSED


def test_on_leave_nobody_is_reminded(parts, scene):
    with parts.open_db() as db:
        enrolment = db.scalars(select(Enrolment)).one()
        enrol.go_away(db, enrolment, THURSDAY.date() - timedelta(days=1), THURSDAY.date(), NOW)

    assert (the_delivery(parts).state, the_delivery(parts).reason) == (State.CANCELLED, Refusal.AWAY)


def test_back_from_leave_the_reminder_is_back(parts, scene):
    with parts.open_db() as db:
        enrolment = db.scalars(select(Enrolment)).one()
        enrol.go_away(db, enrolment, NOW.date(), THURSDAY.date(), NOW)
    with parts.open_db() as db:
        enrol.go_away(db, db.scalars(select(Enrolment)).one(), None, None, NOW)

    assert the_delivery(parts).state is State.SCHEDULED


def test_a_member_who_left_is_not_reminded(parts, scene):
    with parts.open_db() as db:
        enrol.leave(db, db.scalars(select(Enrolment)).one(), NOW.date() + timedelta(days=1), NOW)

    assert the_delivery(parts).reason == Refusal.NOT_ENROLLED


def test_a_member_who_comes_back_is_reminded_again(parts, scene):
    with parts.open_db() as db:
        enrol.leave(db, db.scalars(select(Enrolment)).one(), NOW.date() + timedelta(days=1), NOW)
    with parts.open_db() as db:
        enrol.join(db, db.get_one(Group, scene.group), db.get_one(Member, scene.member), THURSDAY.date(), NOW)

    assert the_delivery(parts).state is State.SCHEDULED


def test_a_member_is_not_told_of_sessions_before_they_joined(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        builders.enrolled(db, place, builders.member(db), joined_on=THURSDAY.date() + timedelta(days=2))
        plan(db, NOW)

        assert all_deliveries(db) == []


def test_a_closed_group_sends_nothing_more(parts, scene):
    with parts.open_db() as db:
        place = db.get_one(Group, scene.group)
        place.closed_at = NOW
        plan(db, NOW, [place])

    assert the_delivery(parts).state is State.CANCELLED


@pytest.mark.parametrize("answer", [Answer.COMING, Answer.CANNOT])
def test_who_has_answered_is_not_asked_again(parts, answer):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        builders.rule(db, place, stop_if_answered=True)
        who = builders.member(db)
        builders.enrolled(db, place, who)
        plan(db, NOW)
        builders.answered(db, meeting, who, answer)
        plan(db, NOW)

    assert the_delivery(parts).state is State.CANCELLED


def test_an_answer_about_the_old_start_is_none_about_the_new_one(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        builders.rule(db, place, stop_if_answered=True)
        who = builders.member(db)
        builders.enrolled(db, place, who)
        builders.answered(db, meeting, who)
        move_session(db, meeting, THURSDAY + timedelta(hours=24), NOW)

        assert State.SCHEDULED in {row.state for row in all_deliveries(db) if row.kind is Kind.REMINDER}


def test_who_said_they_cannot_come_is_not_asked_how_it_was(parts):
    with parts.open_db() as db:
        made = builders.scene(db, Kind.REFLECTION, 18 * HOURS)
        builders.answered(db, db.get_one(GroupSession, made.session), db.get_one(Member, made.member), Answer.CANNOT)
        plan(db, NOW)

    assert the_delivery(parts).reason == Refusal.NOT_THERE


@pytest.mark.parametrize(
    ("how", "asked"), [(Came.CAME, True), (Came.LATE, True), (Came.ABSENT, False), (Came.EXCUSED, False)]
)
def test_only_who_came_is_asked_how_it_was(parts, how, asked):
    with parts.open_db() as db:
        made = builders.scene(db, Kind.REFLECTION, 18 * HOURS)
        builders.came(db, db.get_one(GroupSession, made.session), db.get_one(Member, made.member), how)
        plan(db, NOW)

    assert (the_delivery(parts).state is State.SCHEDULED) is asked


def test_what_may_be_in_a_providers_hands_is_never_touched(parts, scene):
    with parts.open_db() as db:
        db.get_one(Delivery, scene.delivery).move(db, State.SENDING, NOW, by="worker")
        db.get_one(Rule, scene.rule).is_on = False
        changes = plan(db, NOW)

    assert (changes.dropped, the_delivery(parts).state) == (0, State.SENDING)


def test_what_was_tried_once_is_not_revived(parts, scene):
    with parts.open_db() as db:
        row = db.get_one(Delivery, scene.delivery)
        row.attempts = 1
        row.move(db, State.CANCELLED, NOW, Refusal.RULE_OFF, by="worker")
        plan(db, NOW)

    assert the_delivery(parts).state is State.CANCELLED


def test_what_a_cap_dropped_is_not_revived(parts, scene):
    with parts.open_db() as db:
        db.get_one(Delivery, scene.delivery).move(db, State.CANCELLED, NOW, Refusal.CAP, by="worker")
        plan(db, NOW)

    assert the_delivery(parts).state is State.CANCELLED


def test_a_message_whose_time_has_come_keeps_the_hour_that_the_sender_gave_it(parts, scene):
    with parts.open_db() as db:
        db.get_one(Delivery, scene.delivery).next_at = WEDNESDAY + timedelta(minutes=4)
        plan(db, WEDNESDAY + timedelta(minutes=1))

    assert the_delivery(parts).next_at == WEDNESDAY + timedelta(minutes=4)


def test_each_change_of_a_plan_is_kept_with_its_reason(parts, scene):
    with parts.open_db() as db:
        db.get_one(Rule, scene.rule).is_on = False
        plan(db, NOW)
        events = db.execute(select(DeliveryEvent.now, DeliveryEvent.by)).all()

    assert [tuple(event) for event in events] == [("cancelled", "planner")]


def test_planning_one_member_leaves_the_others_alone(parts):
    with parts.open_db() as db:
        made = builders.scene(db)
        other = builders.member(db)
        builders.enrolled(db, db.get_one(Group, made.group), other)
        builders.withdraw(db, db.get_one(Member, made.member))
        plan_member(db, other, NOW)
        states = {row.member_id: row.state for row in all_deliveries(db)}

    assert states == {made.member: State.SCHEDULED, other.id: State.SCHEDULED}


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
