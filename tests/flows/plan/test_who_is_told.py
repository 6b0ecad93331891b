"""Whom a session is told to: by what they agreed to, chose, answered, and where they belong."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol
from service.flows.plan import plan, plan_member
from service.flows.schedule import move_session
from service.flows.suppress import lift, suppress
from service.models import Enrolment, Group, GroupSession, Member
from service.models.groups import Answer, Came
from service.rules.consent import Channel, Choice, Refusal
from service.rules.kinds import Kind, Via
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, NOW, THURSDAY, all_deliveries
from tests.flows.plan.conftest import the_delivery


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


def test_planning_one_member_leaves_the_others_alone(parts):
    with parts.open_db() as db:
        made = builders.scene(db)
        other = builders.member(db)
        builders.enrolled(db, db.get_one(Group, made.group), other)
        builders.withdraw(db, db.get_one(Member, made.member))
        plan_member(db, other, NOW)
        states = {row.member_id: row.state for row in all_deliveries(db)}

    assert states == {made.member: State.SCHEDULED, other.id: State.SCHEDULED}
