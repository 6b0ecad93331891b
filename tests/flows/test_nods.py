"""A thumbs-up or an OK: yes to a question, and after an answer only that our thanks were read."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import Attendance, GroupSession, Member, Reply
from service.models.groups import Answer
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from service.rules.understanding import Meaning
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"


@pytest.fixture
def reminded(parts):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE)
        about = builders.session(db, builders.group(db))
        builders.delivery(db, who, about, state=State.DELIVERED, marked_at=NOW)


def says(parts, *texts):
    answers = []
    for text in texts:
        with parts.open_db() as db:
            number = len(db.scalars(select(Reply.id)).all())
            answers.append(receive(db, Inbound(f"SM{number}", MOBILE, text), NOW))
    return answers


def noted(parts):
    with parts.read_db() as db:
        return db.scalars(select(Attendance)).one().answer


@pytest.mark.parametrize("nod", ["👍", "👍🏽", "OK", "ok.", "k", "Okay", "ok thanks"])
def test_after_a_no_it_changes_nothing_and_gets_no_answer(parts, reminded, nod):
    answers = says(parts, "no puedo ir", nod)

    assert (noted(parts), answers[1]) == (Answer.CANNOT, "")
    with parts.read_db() as db:
        last = db.scalars(select(Reply).where(Reply.provider_id == "SM1")).one()
        assert (last.meaning, last.handled_at) == (Meaning.EMPTY, NOW)


def written_by_staff(parts, at):
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        builders.delivery(db, who, None, Kind.NOTE, state=State.DELIVERED, due_at=at, marked_at=at)


def test_after_staff_wrote_about_the_no_it_answers_them_and_waits_for_a_person(parts, reminded):
    says(parts, "X")
    written_by_staff(parts, NOW + timedelta(minutes=1))
    says(parts, "ok")

    with parts.read_db() as db:
        last = db.scalars(select(Reply).where(Reply.provider_id == "SM1")).one()
    assert (noted(parts), last.meaning, last.handled_at) == (Answer.CANNOT, Meaning.WORDS, None)


def test_what_staff_wrote_before_the_no_is_not_what_it_answers(parts, reminded):
    written_by_staff(parts, NOW - timedelta(minutes=1))

    assert says(parts, "X", "ok")[1] == ""


@pytest.mark.parametrize("nod", ["👍", "OK", "ok thanks"])
def test_to_a_reminder_it_is_a_yes(parts, reminded, nod):
    says(parts, nod)

    assert noted(parts) is Answer.COMING


@pytest.mark.parametrize("word", ["C", "yes", "I can come after all", "sí, voy"])
def test_a_word_that_says_so_still_changes_a_no(parts, reminded, word):
    says(parts, "X", word)

    assert noted(parts) is Answer.COMING


def test_to_the_news_of_another_time_it_is_a_yes_again(parts, reminded):
    says(parts, "X")
    with parts.open_db() as db:
        db.scalars(select(GroupSession)).one().start_revision += 1
    says(parts, "👍")

    assert noted(parts) is Answer.COMING
