from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.deliver import deliver
from service.flows.enrol import can_be_invited, go_away, invite, join, leave, record_consent
from service.flows.show import members as shown_members
from service.models import Delivery, Enrolment, Invitation, Member
from service.rules.consent import Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import EVIDENCE, NOW, TODAY, local

ASKED = [Purpose.REMINDER, Purpose.CHECKIN]


@pytest.fixture
def newcomer(parts):
    """A member with a number and without any consent."""
    with parts.open_db() as db:
        return builders.member(db, agrees=()).id


def test_a_member_is_asked_once_only(parts, newcomer):
    with parts.open_db() as db:
        who = db.get_one(Member, newcomer)
        first, second = invite(db, who, ASKED, None, NOW), invite(db, who, ASKED, None, NOW)

        assert (first, second, len(builders.all_deliveries(db))) == (Channel.SMS, None, 1)


def test_a_member_is_not_asked_again_next_year(parts, newcomer):
    with parts.open_db() as db:
        who = db.get_one(Member, newcomer)
        invite(db, who, ASKED, None, NOW)

        assert invite(db, who, ASKED, None, NOW + timedelta(days=365)) is None
        assert not can_be_invited(db, who)


def test_another_number_may_be_asked(parts, newcomer):
    with parts.open_db() as db:
        who = db.get_one(Member, newcomer)
        invite(db, who, ASKED, None, NOW)
        who.set_mobile("+12125550188", ())
        db.flush()

        assert invite(db, who, ASKED, None, NOW) is Channel.SMS
        assert len(builders.all_deliveries(db)) == 2


def test_who_opted_out_is_not_asked(parts, newcomer):
    with parts.open_db() as db:
        who = db.get_one(Member, newcomer)
        builders.suppress_texts(db, who)

        assert (can_be_invited(db, who), invite(db, who, ASKED, None, NOW)) == (False, None)


def test_who_has_no_number_is_not_asked(parts):
    with parts.open_db() as db:
        who = builders.member(db, mobile="", email="a@example.org", choice=Choice.EMAIL, agrees=())

        assert (can_be_invited(db, who), invite(db, who, ASKED, None, NOW)) == (False, None)


def test_who_agreed_already_need_not_be_asked(parts):
    with parts.open_db() as db:
        assert not can_be_invited(db, builders.member(db))


def test_the_question_waits_for_the_morning(parts, newcomer):
    with parts.open_db() as db:
        invite(db, db.get_one(Member, newcomer), ASKED, None, local("2027-01-04 22:00"))
        (row,) = builders.all_deliveries(db)

    assert (row.next_at, row.why) == (local("2027-01-05 09:00"), "invited, held by quiet hours")


def test_what_was_asked_for_is_kept_for_a_week(parts, newcomer):
    with parts.open_db() as db:
        invite(db, db.get_one(Member, newcomer), ASKED, None, NOW)
        row = db.scalars(select(Invitation)).one()

    assert (row.purposes, row.expires_at) == (["reminder", "checkin"], NOW + timedelta(days=7))


def test_nothing_but_the_question_goes_to_who_was_invited(parts, post, texts, clock, newcomer):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        who = db.get_one(Member, newcomer)
        join(db, place, who, TODAY, NOW)
        invite(db, who, ASKED, None, NOW)
        ids = [row.id for row in builders.all_deliveries(db)]
    deliver(post, ids)

    assert [message.text.partition(": ")[2][:20] for message in texts.outbox] == ["You asked for appoin"]


def test_a_member_who_was_asked_is_shown_as_invited(parts, newcomer):
    with parts.open_db() as db:
        invite(db, db.get_one(Member, newcomer), ASKED, None, NOW)
        (line,) = shown_members(db)

    assert line["state"] == "invited"


def test_who_joins_is_told_of_what_is_due_from_now(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        join(db, place, builders.member(db), TODAY, NOW)

        assert [row.kind for row in builders.all_deliveries(db)] == [Kind.REMINDER]


def test_who_joins_twice_belongs_once(parts):
    with parts.open_db() as db:
        place, who = builders.group(db), builders.member(db)
        first, second = join(db, place, who, TODAY, NOW), join(db, place, who, TODAY, NOW)

        assert first.id == second.id


def test_who_left_and_joins_again_has_a_new_time_in_the_group(parts):
    with parts.open_db() as db:
        place, who = builders.group(db), builders.member(db)
        leave(db, join(db, place, who, TODAY, NOW), TODAY, NOW)
        join(db, place, who, TODAY + timedelta(days=7), NOW)

        assert len(db.scalars(select(Enrolment)).all()) == 2


def test_a_leave_ends_with_its_last_day(parts):
    with parts.open_db() as db:
        enrolment = join(db, builders.group(db), builders.member(db), TODAY, NOW)
        go_away(db, enrolment, TODAY + timedelta(days=2), TODAY + timedelta(days=4), NOW)
        days = [enrolment.covers(TODAY + timedelta(days=n)) for n in range(7)]

    assert days == [True, True, False, False, False, True, True]


def test_a_leave_without_a_last_day_goes_on(parts):
    with parts.open_db() as db:
        enrolment = join(db, builders.group(db), builders.member(db), TODAY, NOW)
        go_away(db, enrolment, TODAY, None, NOW)

        assert not enrolment.covers(TODAY + timedelta(days=300))


def test_a_consent_that_staff_record_plans_what_is_due(parts, newcomer):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        who = db.get_one(Member, newcomer)
        join(db, place, who, TODAY, NOW)
        record_consent(db, who, [Channel.SMS], [Purpose.REMINDER], EVIDENCE, NOW)

        assert [row.state for row in builders.all_deliveries(db)] == [State.SCHEDULED]


def test_a_consent_that_staff_record_lifts_no_opt_out(parts, newcomer):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.session(db, place)
        builders.rule(db, place)
        who = db.get_one(Member, newcomer)
        join(db, place, who, TODAY, NOW)
        builders.suppress_texts(db, who)
        record_consent(db, who, [Channel.SMS], [Purpose.REMINDER], EVIDENCE, NOW)

        assert db.scalars(select(Delivery)).all() == []
