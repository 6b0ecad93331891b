"""Whose answer, and about which visit: two groups, one phone for two, and the question that tells them apart."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service import texts
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import Attendance, Member, Practice, Reply
from service.models.groups import Answer
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY

MOBILE = "+12125550100"
FRIDAY, SATURDAY = THURSDAY + timedelta(days=1), THURSDAY + timedelta(days=2)


def asked(parts, starts_at=THURSDAY, name="Anna Bell", hours_ago=1.0, kind=Kind.REMINDER, group=None):
    """Somebody with this number was asked about a session. Returns its id and theirs."""
    with parts.open_db() as db:
        place = builders.group(db, f"{name} {starts_at} {kind}") if group is None else group
        meeting = builders.session(db, place, starts_at)
        known = db.scalars(select(Member).where(Member.mobile_index == index_of(Channel.SMS, MOBILE))).all()
        who = next((row for row in known if row.name == name), None) or builders.member(db, name, mobile=MOBILE)
        sent = {"state": State.DELIVERED, "marked_at": NOW - timedelta(hours=hours_ago), "attempts": 1}
        builders.delivery(db, who, meeting, kind, **sent)
        return meeting.id, who.id


def wrote(parts, text, at=NOW, says=None):
    with parts.open_db() as db:
        number = db.scalars(select(func.count(Reply.id))).one()
        return receive(db, Inbound(f"SM{number}", MOBILE, text, says), at)


def answers(parts):
    with parts.read_db() as db:
        return {(row.group_session_id, row.member_id): row.answer for row in db.scalars(select(Attendance))}


def said(parts, key, language="en", **values):
    with parts.read_db() as db:
        return texts.sms(key, db.scalars(select(Practice)).one(), language, values)


def unhandled(parts):
    with parts.read_db() as db:
        return [reply.text for reply in db.scalars(Reply.unhandled())]


QUESTION = {"day": "Thu Jan 7", "time": "6:30 PM", "next_day": "Fri Jan 8", "next_time": "6:30 PM"}


@pytest.mark.parametrize(("letter", "place"), [("A", 0), ("b", 1), ("B.", 1), ("a please", 0)])
@pytest.mark.parametrize(("word", "means"), [("C", Answer.COMING), ("X", Answer.CANNOT)])
def test_of_two_who_share_a_phone_a_letter_says_whose_answer_it_is(parts, letter, place, word, means):
    about = [asked(parts, THURSDAY, "Anna Bell"), asked(parts, FRIDAY, "Ben Cole")]
    question, before = wrote(parts, word), answers(parts)
    wrote(parts, letter, NOW + timedelta(minutes=5))

    assert (question, before) == (said(parts, "shared_number_pick", **QUESTION), {})
    assert answers(parts) == {about[place]: means}
    assert [text for text in unhandled(parts) if text == word] == []


def test_the_question_names_nobody(parts):
    asked(parts, THURSDAY, "Anna Bell")
    asked(parts, FRIDAY, "Ben Cole")
    question = wrote(parts, "C")

    assert not any(name in question for name in ("Anna", "Bell", "Ben", "Cole"))


def test_until_the_letter_comes_a_person_sees_that_it_is_open(parts):
    asked(parts, THURSDAY, "Anna Bell")
    asked(parts, FRIDAY, "Ben Cole")
    wrote(parts, "C")

    assert unhandled(parts) == ["C"]


def test_once_one_of_them_has_answered_the_next_answer_is_the_others(parts):
    anna, ben = asked(parts, THURSDAY, "Anna Bell"), asked(parts, FRIDAY, "Ben Cole", hours_ago=0.5)
    wrote(parts, "C")
    wrote(parts, "B", NOW + timedelta(minutes=1))
    wrote(parts, "X", NOW + timedelta(minutes=2))

    assert answers(parts) == {ben: Answer.COMING, anna: Answer.CANNOT}


def test_where_both_have_the_same_visit_a_letter_would_not_help_and_a_person_decides(parts):
    with parts.open_db() as db:
        place = builders.group(db)
    asked(parts, THURSDAY, "Anna Bell", group=place)
    asked(parts, THURSDAY, "Ben Cole", group=place)

    assert wrote(parts, "C") == said(parts, "unknown_reply")
    assert (answers(parts), unhandled(parts)) == ({}, ["C"])


def test_a_reply_to_tuesdays_text_never_confirms_thursday(parts):
    asked(parts, THURSDAY, hours_ago=30)
    tuesday = asked(parts, THURSDAY - timedelta(days=2), hours_ago=1)
    wrote(parts, "C")

    assert answers(parts) == {tuesday: Answer.COMING}


def test_two_groups_that_asked_at_the_same_time_are_told_apart_by_asking(parts):
    thursday, friday = asked(parts, THURSDAY, hours_ago=1.5), asked(parts, FRIDAY, hours_ago=1)
    question = wrote(parts, "X")
    wrote(parts, "A", NOW + timedelta(minutes=1))

    assert question == said(parts, "shared_number_pick", **QUESTION)
    assert answers(parts) == {thursday: Answer.CANNOT}
    assert friday not in answers(parts)


def test_two_groups_that_asked_apart_need_no_question(parts):
    asked(parts, THURSDAY, hours_ago=5)
    friday = asked(parts, FRIDAY, hours_ago=1)
    wrote(parts, "X")

    assert answers(parts) == {friday: Answer.CANNOT}


def test_a_changed_mind_is_about_what_was_answered_last(parts):
    asked(parts, THURSDAY, hours_ago=5)
    friday = asked(parts, FRIDAY, hours_ago=1)
    wrote(parts, "C")
    wrote(parts, "X", NOW + timedelta(minutes=1))

    assert answers(parts) == {friday: Answer.CANNOT}


def test_three_that_were_asked_about_at_once_are_for_a_person(parts):
    for starts_at in (THURSDAY, FRIDAY, SATURDAY):
        asked(parts, starts_at)

    assert wrote(parts, "C") == said(parts, "unknown_reply")
    assert answers(parts) == {}


@pytest.mark.parametrize("text", ["A", "B", "b please"])
def test_a_letter_that_nobody_asked_for_is_words(parts, text):
    asked(parts)

    assert wrote(parts, text) == said(parts, "unknown_reply")
    assert answers(parts) == {}


def test_a_letter_a_day_later_is_words(parts):
    asked(parts, THURSDAY, "Anna Bell")
    asked(parts, FRIDAY, "Ben Cole")
    wrote(parts, "C")
    wrote(parts, "A", NOW + timedelta(hours=25))

    assert answers(parts) == {}


def test_what_was_asked_after_the_question_does_not_change_its_letters(parts):
    thursday, _ = asked(parts, THURSDAY, "Anna Bell"), asked(parts, FRIDAY, "Ben Cole")
    wrote(parts, "C")
    asked(parts, THURSDAY - timedelta(days=1), "Ben Cole", hours_ago=-0.05)
    wrote(parts, "A", NOW + timedelta(minutes=5))

    assert answers(parts) == {thursday: Answer.COMING}


def test_a_letter_does_not_stand_in_the_way_of_stop(parts):
    asked(parts, THURSDAY, "Anna Bell")
    asked(parts, FRIDAY, "Ben Cole")
    wrote(parts, "C")

    assert wrote(parts, "STOP", NOW + timedelta(minutes=1)) == said(parts, "stop_confirmation")


def test_on_a_shared_phone_letters_and_numbers_find_their_own_question(parts):
    anna = asked(parts, THURSDAY, "Anna Bell")
    asked(parts, THURSDAY - timedelta(days=5), "Ben Cole", kind=Kind.CHECKIN)
    wrote(parts, "C")
    wrote(parts, "7", NOW + timedelta(minutes=1))

    assert answers(parts) == {anna: Answer.COMING}
    with parts.read_db() as db:
        assert [reply.meaning for reply in db.scalars(Reply.newest())] == ["score", "coming"]


def test_a_yes_that_the_provider_answered_is_not_asked_about_and_waits_for_a_person(parts):
    asked(parts, THURSDAY, "Anna Bell")
    asked(parts, FRIDAY, "Ben Cole")

    assert wrote(parts, "yes", says="START") == ""
    assert (answers(parts), unhandled(parts)) == ({}, ["yes"])
