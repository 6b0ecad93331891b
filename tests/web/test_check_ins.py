"""Check-ins by text, from the signed webhook to the line on the member's page."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from service.models import CheckIn, Delivery
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MOBILE = "+12125550100"
GOALS = [("DID", "did"), ("some", "some"), ("Not yet", "not_yet"), ("hecho", "did")]


@pytest.fixture
def member(parts):
    with parts.open_db() as db:
        return builders.member(db, mobile=MOBILE, language="en").id


def ask(parts, hours_ago=1.0, kind=Kind.CHECKIN):
    with parts.open_db() as db:
        who = db.scalars(select(builders.Member)).one()
        place = db.scalars(select(builders.Group)).first() or builders.group(db)
        about = builders.session(db, place, NOW - timedelta(days=3))
        sent = {"state": State.DELIVERED, "marked_at": NOW - timedelta(hours=hours_ago), "attempts": 1}
        return builders.delivery(db, who, about, kind, **sent).id


def answered(parts, twilio, *answers):
    """A week apart, the last one a week ago."""
    for weeks, said in reversed(list(enumerate(reversed(answers)))):
        one = ask(parts)
        twilio.said(MOBILE, said)
        with parts.open_db() as db:
            moment = NOW - timedelta(days=7 * (weeks + 1))
            db.get_one(Delivery, one).marked_at = moment
            db.scalars(select(CheckIn).where(CheckIn.delivery_id == one)).one().asked_at = moment


def kept(parts):
    with parts.read_db() as db:
        return [(row.kind, row.answer, row.is_late) for row in db.scalars(select(CheckIn).order_by(CheckIn.asked_at))]


def test_a_number_with_words_keeps_both(parts, member, twilio, staff):
    ask(parts)
    twilio.said(MOBILE, "7 better today")

    assert kept(parts) == [("checkin", "7", False)]
    assert "7 better today" in staff.get(f"/members/{member}").text


def test_a_second_answer_to_the_same_question_takes_the_place_of_the_first(parts, member, twilio):
    ask(parts)
    twilio.said(MOBILE, "7")
    twilio.said(MOBILE, "6")

    assert kept(parts) == [("checkin", "6", False)]


@pytest.mark.parametrize(("hours", "is_late"), [(47, False), (49, True), (167, True)])
def test_an_answer_after_two_days_is_kept_as_late(parts, member, twilio, hours, is_late):
    ask(parts, hours_ago=hours)
    twilio.said(MOBILE, "7")

    assert kept(parts) == [("checkin", "7", is_late)]


def test_an_answer_after_a_week_is_words(parts, member, twilio):
    ask(parts, hours_ago=169)
    twilio.said(MOBILE, "7")

    assert kept(parts) == []


@pytest.mark.parametrize(
    ("said", "answer"), [("DID", "did"), ("some", "some"), ("Not yet", "not_yet"), ("hecho", "did")]
)
def test_a_goal_answer_is_kept_and_shown(parts, member, twilio, staff, said, answer):
    ask(parts, kind=Kind.GOAL)
    twilio.said(MOBILE, said)
    words = {"did": "did it", "some": "some of it", "not_yet": "not yet"}[answer]

    assert kept(parts) == [("goal", answer, False)]
    assert words in staff.get(f"/members/{member}").text


@pytest.mark.parametrize(("before", "now", "is_told"), [("9", "5", True), ("9", "6", False), ("3", "2", True)])
def test_a_low_number_or_a_steep_fall_is_answered_with_where_help_is(parts, member, twilio, before, now, is_told):
    answered(parts, twilio, before)
    ask(parts)

    assert ("988" in twilio.said(MOBILE, now)) == is_told


def test_three_answers_are_not_drawn_and_four_are(parts, member, twilio, staff):
    answered(parts, twilio, "5", "6", "7")
    three = staff.get(f"/members/{member}").text
    answered(parts, twilio, "8")

    assert 'class="trend"' not in three
    assert 'class="trend"' in staff.get(f"/members/{member}").text


def test_the_number_stands_in_no_column_as_it_is(parts, member, twilio):
    ask(parts)
    twilio.said(MOBILE, "7.5")

    with parts.read_db() as db:
        assert "7.5" not in str(db.execute(text("SELECT * FROM check_ins")).all())


def test_the_goal_question_of_a_new_group_is_off_until_staff_switch_it_on(parts):
    with parts.open_db() as db:
        group = builders.schedule.add_group(db, builders.about(), builders.weekly(count=4), NOW)
        rules = db.scalars(select(builders.Rule).where(builders.Rule.group_id == group.id)).all()

        assert [rule.kind for rule in rules if not rule.is_on] == [Kind.GOAL]
