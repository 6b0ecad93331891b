"""Planning again changes what has changed, and nothing that is out of hand or was given up for good."""

import threading
from datetime import time, timedelta

from sqlalchemy import select

from service.flows.plan import plan
from service.flows.schedule import cancel_session, move_session
from service.models import Delivery, DeliveryEvent, GroupSession, Member, Rule
from service.rules.consent import Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, NOW, THURSDAY, all_deliveries, local
from tests.flows.plan.conftest import WEDNESDAY, the_delivery


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


def test_what_was_taken_back_too_long_ago_is_not_revived(parts, scene):
    with parts.open_db() as db:
        builders.withdraw(db, db.get_one(Member, scene.member))
        plan(db, NOW)
    with parts.open_db() as db:
        builders.agree(db, db.get_one(Member, scene.member))
        plan(db, THURSDAY + timedelta(minutes=1))

    assert the_delivery(parts).state is State.SUPPRESSED


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
