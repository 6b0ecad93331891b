"""Where help is was said a moment ago: what a member asks then is answered all the same, and stays flagged."""

import pytest
from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import Attendance, Reply
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


@pytest.mark.parametrize("text", ["I want to die", "no quiero vivir", "going to kill myself C"])
def test_words_of_danger_again_are_not_answered_twice_within_six_hours(parts, text):
    assert says(parts, text) == ""


def test_stop_is_confirmed_with_where_help_is(parts):
    assert says(parts, "STOP").startswith("Oak St Office: Texts are off as you asked. If you may be in danger")
