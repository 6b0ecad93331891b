"""Where help is was said a moment ago: what a member asks then is answered all the same, and stays flagged."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import receive as receiving
from service.flows.alert import Done, acknowledge, close
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import Attendance, Flag, Reply
from service.models.alerts import Outcome
from service.models.groups import Answer
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"


@pytest.fixture(autouse=True)
def in_danger(parts):
    """They were reminded, and wrote that they want to die."""
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE)
        builders.delivery(db, who, builders.session(db, builders.group(db)), state=State.DELIVERED, marked_at=NOW)
    assert says(parts, "I want to die").startswith("Thank you for telling us.")


def says(parts, text):
    with parts.open_db() as db:
        number = len(db.scalars(select(Reply.id)).all())
        return receive(db, Inbound(f"SM{number}", MOBILE, text), NOW)


def newest(parts):
    with parts.read_db() as db:
        return db.scalars(select(Reply).order_by(Reply.id.desc())).first()


def test_help_is_answered(parts):
    assert says(parts, "HELP").startswith("Oak St Office: Appointment texts. Help: call 212-555-0199.")


@pytest.mark.parametrize(("text", "answer"), [("C", Answer.COMING), ("X", Answer.CANNOT)])
def test_an_answer_is_kept_confirmed_and_still_looked_at(parts, text, answer):
    said = says(parts, text)

    assert said.startswith(("Oak St Office: Thank you. See you", "Oak St Office: Thanks for letting us know"))
    with parts.read_db() as db:
        assert db.scalars(select(Attendance)).one().answer is answer
    assert (newest(parts).distress, newest(parts).handled_at) == ("immediate", None)


def take_up(parts):
    with parts.open_db() as db:
        acknowledge(db, db.scalars(Flag.open()).one(), builders.staff(db).id, NOW)


def texts_of_flags(parts):
    """Of each flag what it holds, the oldest first."""
    with parts.read_db() as db:
        replies = db.scalars(select(Reply).order_by(Reply.id)).all()
        flags = db.scalars(select(Flag).order_by(Flag.opened_at, Flag.id))
        return [[row.text for row in replies if row.flag_id == flag.id] for flag in flags]


@pytest.mark.parametrize("text", ["C", "X", "7"])
def test_a_plain_answer_belongs_to_the_flag_that_somebody_took_up_and_calls_nobody_again(parts, text):
    take_up(parts)
    says(parts, text)

    assert texts_of_flags(parts) == [["I want to die", text]]
    assert newest(parts).handled_at is None


@pytest.mark.parametrize("text", ["I have the pills", "C I can't do this anymore", "tonight", "HELP"])
def test_what_says_more_calls_somebody_again(parts, text):
    take_up(parts)
    says(parts, text)

    assert texts_of_flags(parts) == [["I want to die"], [text]]


def test_once_the_flag_is_closed_even_a_plain_answer_has_somebody_look_again(parts):
    with parts.open_db() as db:
        done = Done(Outcome.CALLED, "I called her.", timedelta(hours=72))
        close(db, db.scalars(Flag.open()).one(), builders.staff(db).id, done, NOW)
    says(parts, "C")

    assert texts_of_flags(parts) == [["I want to die"], ["C"]]


def test_what_cannot_be_understood_calls_somebody_again(parts, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    take_up(parts)
    monkeypatch.setattr(receiving, "understand", broken)
    says(parts, "C")

    assert texts_of_flags(parts) == [["I want to die"], ["C"]]


@pytest.mark.parametrize("text", ["I want to die", "no quiero vivir", "going to kill myself C"])
def test_words_of_danger_again_are_not_answered_twice_within_six_hours(parts, text):
    assert says(parts, text) == ""


def test_stop_is_confirmed_with_where_help_is(parts):
    assert says(parts, "STOP").startswith("Oak St Office: Texts are off as you asked. If you may be in danger")
