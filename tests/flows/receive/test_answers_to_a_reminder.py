"""Whose answer it is, about which session, and whether a person looks."""

from datetime import timedelta

from service.models.groups import Answer
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.flows.receive.conftest import MOBILE, answers, asked, replies, wrote


def test_an_answer_is_for_the_session_that_was_asked_about_last(parts):
    asked(parts, starts_at=builders.THURSDAY, marked_at=NOW - timedelta(hours=9))
    later, _ = asked(parts, starts_at=builders.THURSDAY + timedelta(days=1))
    wrote(parts, "C")

    assert answers(parts) == {later: Answer.COMING}


def test_a_changed_mind_counts(parts):
    about, _ = asked(parts)
    wrote(parts, "C")
    wrote(parts, "X")

    assert answers(parts) == {about: Answer.CANNOT}


def test_an_answer_after_the_start_is_for_a_person(parts):
    asked(parts)
    answer = wrote(parts, "C", at=builders.THURSDAY + timedelta(minutes=1))

    assert answers(parts) == {}
    assert "not watched live" in answer


def test_a_reminder_that_never_went_is_no_question(parts):
    asked(parts, state=State.EXPIRED)
    wrote(parts, "C")

    assert answers(parts) == {}


def test_where_two_share_a_phone_and_both_were_asked_a_person_decides(parts):
    asked(parts, name="Anna Bell")
    asked(parts, name="Ben Cole", starts_at=builders.THURSDAY + timedelta(days=1))
    wrote(parts, "C")

    assert answers(parts) == {}
    assert [reply.handled_at for reply in replies(parts)] == [None]


def test_where_two_share_a_phone_and_one_was_asked_the_answer_is_theirs(parts):
    about, who = asked(parts, name="Anna Bell")
    with parts.open_db() as db:
        builders.member(db, "Ben Cole", mobile=MOBILE)
    wrote(parts, "C")

    assert answers(parts) == {about: Answer.COMING}
    assert replies(parts)[0].member_id == who


def test_a_bare_answer_needs_nobody(parts):
    asked(parts)
    wrote(parts, "C")

    assert replies(parts)[0].handled_at == NOW


def test_an_answer_with_words_is_read_by_a_person(parts):
    asked(parts)
    wrote(parts, "X - sick today")

    assert (replies(parts)[0].handled_at, replies(parts)[0].text) == (None, "X - sick today")


def test_an_answer_beside_words_of_distress_is_kept_and_a_person_looks(parts):
    about, _ = asked(parts)
    answer = wrote(parts, "C but I want to die")

    assert answers(parts) == {about: Answer.COMING}
    assert "988" in answer
    assert replies(parts)[0].handled_at is None
