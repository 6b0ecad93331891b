"""A session is moved or cancelled once it is confirmed; answers and who came are noted."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.models import (
    Attendance,
    GroupSession,
    Member,
)
from service.models.groups import Answer, Came, SessionState
from service.rules.kinds import Kind
from tests import builders
from tests.web.made_groups import first_session, has_error_at, made_group, waiting

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_move_shows_who_is_told_and_changes_nothing_until_it_is_confirmed(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell", "Ben Cole"))
    before = [(row.id, row.due_at, row.state) for row in waiting(parts)]
    page = staff.post(f"/sessions/{session}/move", {"on": "2027-01-08", "at": "18:30"})

    assert page.status_code == 200
    assert re.search(r"By text</dt><dd>\s*2", page.text)
    assert [(row.id, row.due_at, row.state) for row in waiting(parts)] == before


def test_a_confirmed_move_moves_the_session_and_tells_each_member_once(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell", "Ben Cole"))
    for _ in range(2):
        staff.post(f"/sessions/{session}/move", {"on": "2027-01-08", "at": "18:30", "confirmed": "1"})

    with parts.read_db() as db:
        assert db.get_one(GroupSession, session).starts_at == builders.THURSDAY + timedelta(days=1)
    assert len(waiting(parts, Kind.MOVED)) == 2


@pytest.mark.parametrize(
    ("on", "at", "field"),
    [
        ("", "18:30", "on"),
        ("2026-12-01", "18:30", "on"),
        ("2039-01-01", "18:30", "on"),
        ("2027-01-08", "25:00", "at"),
        ("2027-03-14", "02:30", "at"),
        ("2027-11-07", "01:30", "at"),
        ("2027-01-07", "18:30", "at"),
    ],
)
def test_a_move_to_no_time_is_an_error_at_its_field(parts, staff, on, at, field):
    session = first_session(parts, made_group(parts))
    page = staff.post(f"/sessions/{session}/move", {"on": on, "at": at, "confirmed": "1"})

    assert (page.status_code, has_error_at(page, field)) == (422, True)


@pytest.mark.parametrize(
    ("what", "form"), [("move", {"on": "2027-01-08", "at": "18:30"}), ("cancel", {})], ids=["move", "cancel"]
)
def test_a_session_that_has_started_is_not_changed_any_more_and_its_page_says_so(parts, staff, what, form):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    with parts.open_db() as db:
        row = db.get_one(GroupSession, session)
        started = row.starts_at = parts.clock()

    page = staff.post(f"/sessions/{session}/{what}", {**form, "confirmed": "1"}, follow_redirects=True)

    assert "This session has already started." in page.text
    with parts.read_db() as db:
        row = db.get_one(GroupSession, session)
        assert (row.starts_at, row.state) == (started, SessionState.PLANNED)


def test_a_cancellation_shows_who_is_told_and_changes_nothing_until_it_is_confirmed(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    page = staff.post(f"/sessions/{session}/cancel")

    assert "Who will be told" in page.text
    with parts.read_db() as db:
        assert db.get_one(GroupSession, session).state is SessionState.PLANNED


def test_a_confirmed_cancellation_is_told_once(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    for _ in range(2):
        staff.post(f"/sessions/{session}/cancel", {"confirmed": "1"})

    assert len(waiting(parts, Kind.CANCELLED)) == 1
    with parts.read_db() as db:
        assert db.get_one(GroupSession, session).is_cancelled


def test_staff_note_an_answer_and_take_it_back(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    with parts.read_db() as db:
        who = db.scalars(select(Member)).one().id
    said = []
    for answer in ("cannot", "coming", ""):
        staff.post(f"/sessions/{session}/answers", {"member": str(who), "answer": answer})
        with parts.read_db() as db:
            said.append(db.scalars(select(Attendance)).one().answer)

    assert said == [Answer.CANNOT, Answer.COMING, None]


def test_an_answer_of_somebody_who_is_not_expected_is_not_found(parts, staff):
    session = first_session(parts, made_group(parts))
    with parts.open_db() as db:
        stranger = builders.member(db).id

    assert staff.post(f"/sessions/{session}/answers", {"member": str(stranger), "answer": "coming"}).status_code == 404


def test_unknown_is_never_noted_as_absent(parts, staff, clock):
    session = first_session(parts, made_group(parts, "Anna Bell", "Ben Cole"))
    clock.go(days=4)
    with parts.read_db() as db:
        first, _ = db.scalars(select(Member).order_by(Member.created_at, Member.id)).all()
    staff.post(f"/sessions/{session}/presence", {f"came_{first.id}": "late"})

    with parts.read_db() as db:
        assert {row.member_id: row.came for row in db.scalars(select(Attendance)) if row.came} == {first.id: Came.LATE}
