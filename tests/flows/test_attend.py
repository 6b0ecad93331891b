from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import attend, schedule
from service.flows.plan import plan
from service.flows.show import answers, current_answer
from service.models import Attendance, Delivery, GroupSession, Member
from service.models.groups import Answer, Came
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW


def scene(parts, stop_if_answered=True):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.rule(db, place, stop_if_answered=stop_if_answered)
        about = builders.session(db, place)
        who = builders.member(db)
        builders.enrolled(db, place, who)
        plan(db, NOW)
        return about.id, who.id


def say(parts, about, who, answer):
    with parts.open_db() as db:
        attend.answer(db, db.get_one(GroupSession, about), db.get_one(Member, who), answer, NOW)


def waiting(parts):
    with parts.read_db() as db:
        return db.scalars(select(Delivery.kind).where(Delivery.state == State.SCHEDULED)).all()


@pytest.mark.parametrize("answer", list(Answer))
def test_what_asks_whether_they_come_is_taken_back_once_they_have_said(parts, answer):
    about, who = scene(parts)
    say(parts, about, who, answer)

    assert waiting(parts) == []


def test_what_does_not_stop_at_an_answer_still_goes(parts):
    about, who = scene(parts, stop_if_answered=False)
    say(parts, about, who, Answer.COMING)

    assert waiting(parts) == [Kind.REMINDER]


def test_an_answer_that_staff_take_back_is_asked_for_again(parts):
    about, who = scene(parts)
    say(parts, about, who, Answer.COMING)
    say(parts, about, who, None)

    assert waiting(parts) == [Kind.REMINDER]


def test_an_answer_counts_for_the_start_it_was_given_for_alone(parts):
    about, who = scene(parts)
    say(parts, about, who, Answer.COMING)
    with parts.open_db() as db:
        row = db.get_one(GroupSession, about)
        schedule.move_session(db, row, row.starts_at + timedelta(hours=3), NOW)

        assert current_answer(db.get_one(Attendance, (about, who)), row) is None
        assert answers(db, [row])[about] == {"coming": 0, "cannot": 0, "silent": 1}


def test_answers_are_counted_by_what_was_said(parts):
    about, who = scene(parts)
    say(parts, about, who, Answer.CANNOT)
    with parts.read_db() as db:
        assert answers(db, [db.get_one(GroupSession, about)])[about] == {"coming": 0, "cannot": 1, "silent": 0}


def test_who_came_is_kept_beside_what_they_had_said(parts):
    about, who = scene(parts)
    say(parts, about, who, Answer.CANNOT)
    with parts.open_db() as db:
        attend.note_presence(db, db.get_one(GroupSession, about), db.get_one(Member, who), Came.LATE, NOW)
        row = db.get_one(Attendance, (about, who))

    assert (row.answer, row.came) == (Answer.CANNOT, Came.LATE)


def test_who_is_not_noted_was_not_absent(parts):
    about, who = scene(parts)
    with parts.open_db() as db:
        attend.note_presence(db, db.get_one(GroupSession, about), db.get_one(Member, who), None, NOW)

        assert db.get_one(Attendance, (about, who)).came is None
