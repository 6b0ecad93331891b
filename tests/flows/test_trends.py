from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from service.flows.trends import trends
from service.models import CheckIn, Reply
from service.models.groups import Came, SessionState
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.rules.understanding import Meaning
from tests import builders
from tests.builders import NOW

WEEK = timedelta(days=7)


@pytest.fixture
def db(parts):
    with parts.open_db() as opened:
        yield opened


@pytest.fixture
def place(db):
    return builders.group(db)


def member_of(db, place, name="Anna Bell"):
    who = builders.member(db, name)
    builders.enrolled(db, place, who, (NOW - 20 * WEEK).date())
    return who


def asked(db, who, about, kind=Kind.CHECKIN, **values):
    sent = {"state": State.DELIVERED, "marked_at": about.ends_at + timedelta(days=3), "attempts": 1, **values}
    return builders.delivery(db, who, about, kind, **sent)


def wrote(db, who, at, meaning=Meaning.SCORE):
    reply = Reply(
        provider_id=f"SM{uuid4()}",
        channel=Channel.SMS,
        member_id=who.id,
        address_index=who.mobile_index,
        address=who.mobile,
        received_at=at,
        meaning=meaning,
    )
    db.add(reply)
    db.flush()
    return reply


def answered(db, who, about, answer, kind=Kind.CHECKIN):
    question = asked(db, who, about, kind)
    at = question.marked_at + timedelta(hours=1)
    row = CheckIn(
        member_id=who.id,
        delivery_id=question.id,
        reply_id=wrote(db, who, at).id,
        kind=kind.value,
        asked_at=question.marked_at,
        answered_at=at,
        is_late=False,
    )
    row.answer = answer
    db.add(row)
    db.flush()


@pytest.mark.parametrize(("answers", "median"), [("479", None), ("4795", Decimal(6)), ("47951", Decimal(5))])
def test_a_session_has_a_median_from_the_fourth_answer_on(db, place, answers, median):
    about = builders.session(db, place, NOW - WEEK)
    for answer in answers:
        answered(db, member_of(db, place), about, answer)

    assert [meeting.median for meeting in trends(db, place, NOW).meetings] == [median]


def test_each_member_has_a_place_for_every_session_and_the_oldest_comes_first(db, place):
    who = member_of(db, place)
    first, second, third = (builders.session(db, place, NOW - weeks * WEEK) for weeks in (3, 2, 1))
    answered(db, who, third, "8")
    answered(db, who, first, "3")

    found = trends(db, place, NOW)
    assert [meeting.group_session for meeting in found.meetings] == [first, second, third]
    assert found.members == [(who, [Decimal(3), None, Decimal(8)])]


def test_what_was_answered_in_another_group_is_not_this_groups(db, place):
    who = member_of(db, place)
    builders.session(db, place, NOW - WEEK)
    other = builders.group(db, "Another group")
    answered(db, who, builders.session(db, other, NOW - WEEK), "2")

    assert trends(db, place, NOW).has_scores is False


def test_a_cancelled_session_and_one_to_come_are_left_out(db, place):
    builders.session(db, place, NOW - WEEK, state=SessionState.CANCELLED)
    builders.session(db, place, NOW + WEEK)

    assert trends(db, place, NOW).meetings == []


def test_only_the_latest_twelve_sessions_are_shown(db, place):
    rows = [builders.session(db, place, NOW - weeks * WEEK) for weeks in range(14, 0, -1)]

    assert [meeting.group_session for meeting in trends(db, place, NOW).meetings] == rows[2:]


def test_who_was_not_noted_is_not_absent(db, place):
    about = builders.session(db, place, NOW - WEEK)
    for how in (Came.CAME, Came.LATE, Came.ABSENT):
        builders.came(db, about, member_of(db, place), how)
    member_of(db, place)

    (meeting,) = trends(db, place, NOW).meetings
    assert (meeting.there, meeting.expected, meeting.came[Came.ABSENT], meeting.not_noted) == (2, 4, 1, 1)


def test_a_question_is_answered_by_what_is_written_while_it_is_open(db, place):
    about = builders.session(db, place, NOW - WEEK)
    in_time, too_late, silent = (member_of(db, place) for _ in range(3))
    for who, hours in ((in_time, 47), (too_late, 49), (silent, None)):
        question = asked(db, who, about, Kind.REFLECTION)
        if hours:
            wrote(db, who, question.marked_at + timedelta(hours=hours), Meaning.WORDS)
    answered(db, in_time, about, "7")
    asked(db, silent, about, Kind.GOAL, state=State.SCHEDULED, marked_at=None)

    told = {one.kind: (one.answered, one.asked) for one in trends(db, place, NOW).prompts}
    assert told == {Kind.CHECKIN: (1, 1), Kind.REFLECTION: (1, 3)}


def test_goal_answers_are_counted_for_each_session(db, place):
    about = builders.session(db, place, NOW - WEEK)
    for answer in ("did", "did", "not_yet"):
        answered(db, member_of(db, place), about, answer, Kind.GOAL)

    (meeting,) = trends(db, place, NOW).meetings
    assert meeting.goals == {"did": 2, "not_yet": 1}
