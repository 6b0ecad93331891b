"""When words are answered by themselves: in the hours in which nobody reads, and the first ones in a month."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.flows.answer import Inbound
from service.flows.opting import From, opt_out
from service.flows.receive import receive
from service.models import Group, Practice, Reply
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MOBILE = "+12125550100"
EVENING = NOW + timedelta(hours=8)
"""18:00 in New York; staff read from 9 to 5."""
RECEIVED, UNMONITORED = "unknown_reply", "unmonitored_notice"


@pytest.fixture
def member(parts):
    with parts.open_db() as db:
        about = builders.session(db, builders.group(db), NOW - timedelta(days=1))
        who = builders.member(db, mobile=MOBILE)
        builders.enrolled(db, about.group, who)
        return who.id


def wrote(parts, text, at=NOW, sender=MOBILE):
    """The key of what went back, or None."""
    with parts.open_db() as db:
        number = db.scalars(select(func.count(Reply.id))).one()
        receive(db, Inbound(f"SM{number}", sender, text), at)
        return db.scalars(select(Reply.answered_with).where(Reply.provider_id == f"SM{number}")).one()


def ask(parts, member, kind, at):
    with parts.open_db() as db:
        who = db.get_one(builders.Member, member)
        about = db.scalars(select(builders.GroupSession)).one()
        builders.delivery(db, who, about, kind, state=State.DELIVERED, marked_at=at, attempts=1)


def test_in_the_hours_in_which_staff_read_a_text_is_thanked_for(parts, member):
    assert wrote(parts, "could I bring my notebook") == RECEIVED


@pytest.mark.parametrize(
    "at", [EVENING, NOW + timedelta(days=5), NOW - timedelta(hours=2)], ids=["evening", "weekend", "early"]
)
def test_in_other_hours_whoever_writes_is_told_that_nobody_reads(parts, member, at):
    assert wrote(parts, "could I bring my notebook", at) == UNMONITORED


def test_it_is_said_once_in_twelve_hours_whichever_of_the_two_it_was(parts, member):
    said = [
        wrote(parts, "a word", at)
        for at in (EVENING, EVENING + timedelta(minutes=15), EVENING + timedelta(hours=11), NOW + timedelta(days=1))
    ]

    assert said == [UNMONITORED, None, None, RECEIVED]


def test_the_first_answer_to_a_question_in_a_month_is_told_that_nobody_reads_along(parts, member):
    said = []
    for days in (0, 7, 28, 35):
        ask(parts, member, Kind.REFLECTION, NOW + timedelta(days=days, hours=-1))
        said.append(wrote(parts, "to be kinder to myself", NOW + timedelta(days=days)))

    assert said == [UNMONITORED, None, None, UNMONITORED]


def test_words_beside_a_number_are_words_and_a_bare_number_is_not(parts, member):
    ask(parts, member, Kind.CHECKIN, NOW - timedelta(hours=1))

    assert [wrote(parts, "7"), wrote(parts, "7 better today")] == [None, UNMONITORED]


def test_running_late_in_the_evening_is_told_that_nobody_sees_it(parts):
    with parts.open_db() as db:
        about = builders.session(db, builders.group(db), EVENING + timedelta(minutes=30))
        who = builders.member(db, mobile=MOBILE)
        builders.delivery(db, who, about, state=State.DELIVERED, marked_at=NOW - timedelta(hours=1), attempts=1)

    assert wrote(parts, "running 10 late", EVENING) == UNMONITORED


@pytest.mark.parametrize("text", ["Liked “See you”", "[Auto-Reply] I am driving", "", "👍"])
def test_a_phone_that_answers_by_itself_is_never_answered(parts, member, text):
    assert wrote(parts, text, EVENING) is None


def test_distress_is_answered_with_where_help_is_at_any_hour(parts, member):
    wrote(parts, "hello", EVENING)

    assert wrote(parts, "I want to die", EVENING) == "crisis_auto_reply_US"


def test_whoever_opted_out_and_whoever_we_do_not_know_hear_nothing_of_it(parts, member):
    with parts.open_db() as db:
        who = db.get_one(builders.Member, member)
        opt_out(db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW, all_channels=False)

    assert wrote(parts, "hello", EVENING) is None
    assert wrote(parts, "hello", EVENING, "+12125550999") == "unknown_sender"


def test_hours_that_cannot_be_read_promise_nobody(parts, member):
    with parts.open_db() as db:
        db.scalars(select(Practice)).one().reading_hours = "weekdays"

    assert wrote(parts, "hello") == UNMONITORED


def read_at(parts, hours, zone="America/New_York"):
    with parts.open_db() as db:
        group = db.scalars(select(Group)).one()
        group.reading_hours, group.time_zone = hours, zone


def answered(parts, text, at):
    wrote(parts, text, at)
    with parts.read_db() as db:
        return db.scalars(select(Reply).order_by(Reply.id.desc())).first().answer


def test_a_group_read_at_other_hours_is_answered_by_those(parts, member):
    read_at(parts, "Mon-Fri 5-9")

    assert wrote(parts, "could I bring my notebook", EVENING) == RECEIVED
    assert wrote(parts, "could I bring my notebook", NOW + timedelta(days=1)) == UNMONITORED


def test_its_hours_are_on_its_own_clock(parts, member):
    read_at(parts, "Mon-Fri 9-5", "America/Los_Angeles")  # NOW is 10:00 in New York, 7:00 there

    assert wrote(parts, "could I bring my notebook", NOW) == UNMONITORED
    assert wrote(parts, "could I bring it", EVENING + timedelta(hours=12, minutes=60)) == UNMONITORED


def test_the_answer_names_its_hours(parts, member):
    read_at(parts, "Tue,Thu 10-4")

    assert "Tue,Thu 10-4" in answered(parts, "could I bring my notebook", EVENING)


def test_whoever_is_in_two_groups_that_are_read_apart_is_told_the_practices_hours(parts, member):
    read_at(parts, "Mon-Fri 5-9")
    with parts.open_db() as db:
        other = builders.group(db, "Tuesday group of another kind")
        builders.enrolled(db, other, db.get_one(builders.Member, member))

    assert wrote(parts, "could I bring my notebook", EVENING) == UNMONITORED
    assert "Mon-Fri 9-5" in answered(parts, "could I bring it", EVENING + timedelta(hours=13))


def test_an_answer_about_one_of_two_groups_is_read_at_that_ones_hours(parts, member):
    read_at(parts, "Mon-Fri 5-9")
    with parts.open_db() as db:
        builders.enrolled(db, builders.group(db, "Another"), db.get_one(builders.Member, member))
    ask(parts, member, Kind.REFLECTION, EVENING - timedelta(hours=1))
    first = wrote(parts, "I learned to listen", EVENING)

    assert first == UNMONITORED  # the first words in a month
    assert wrote(parts, "and to speak", EVENING + timedelta(minutes=9)) is None
