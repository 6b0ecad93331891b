"""A session is wrapped up with a line for the week; the members tab says who is reached, and why others are not."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol
from service.models import Attendance, Enrolment, GroupSession, Member
from service.models.groups import SessionState
from service.rules.consent import Choice, Purpose
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def past(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.enrolled(db, place, builders.member(db), (NOW - timedelta(days=9)).date())
        return builders.session(db, place, NOW - timedelta(days=2))


def line(parts):
    with parts.read_db() as db:
        return db.scalars(select(GroupSession)).one().line


def asked_for(staff, past):
    page = staff.get("/").text
    return "Note who came" in page and f'href="/sessions/{past.id}"' in page


def test_a_session_of_which_nobody_noted_who_came_is_to_do_until_somebody_has(parts, past, staff, clock):
    before = asked_for(staff, past)
    with parts.read_db() as db:
        came = f"came_{db.scalars(select(Member)).one().id}"
    staff.post(f"/sessions/{past.id}/presence", {came: "absent"})

    assert (before, asked_for(staff, past)) == (True, False)


@pytest.mark.parametrize("why", ["cancelled", "long ago", "still on", "nobody belonged"])
def test_a_session_that_nobody_need_look_back_on_is_not(parts, past, staff, clock, why):
    with parts.open_db() as db:
        row = db.get_one(GroupSession, past.id)
        if why == "cancelled":
            row.state = SessionState.CANCELLED
        elif why == "nobody belonged":
            db.scalars(select(Enrolment)).one().joined_on = NOW.date()
        elif why == "still on":
            row.ends_at = NOW + timedelta(minutes=1)
    if why == "long ago":
        clock.go(days=6)

    assert not asked_for(staff, past)


def test_sessions_of_empty_groups_do_not_hide_one(parts, past, staff):
    with parts.open_db() as db:
        for hours in range(1, 8):
            builders.session(db, builders.group(db, f"Empty {hours}"), NOW - timedelta(days=2, hours=hours))

    assert asked_for(staff, past)


def test_a_line_is_kept_with_the_session_and_offered_to_be_sent(parts, past, staff):
    staff.post(f"/sessions/{past.id}/presence", {"line": "Small steps  count."})
    shown = staff.get(f"/sessions/{past.id}").text

    assert line(parts) == "Small steps count."
    assert f"/groups/{past.group_id}/message?line_of={past.id}" in shown
    assert "Small steps count." in staff.get(f"/groups/{past.group_id}/message?line_of={past.id}").text
    assert "Small steps count." in staff.get(f"/groups/{past.group_id}").text


def test_a_line_that_is_too_long_is_answered_at_its_field(parts, past, staff):
    answer = staff.post(f"/sessions/{past.id}/presence", {"line": "x" * 301})

    assert (answer.status_code, "Use at most 300 characters." in answer.text, line(parts)) == (422, True, "")


def test_who_was_there_is_not_lost_over_a_line_that_is_too_long(parts, past, staff):
    with parts.read_db() as db:
        came = f"came_{db.scalars(select(Member)).one().id}"
    answer = staff.post(f"/sessions/{past.id}/presence", {came: "late", "line": "x" * 301})

    assert '<option value="late" selected>' in answer.text
    with parts.read_db() as db:
        assert [row.came for row in db.scalars(select(Attendance))] == []


def test_without_a_line_there_is_nothing_to_send(past, staff):
    assert "Send the line" not in staff.get(f"/sessions/{past.id}").text
    assert staff.get(f"/groups/{past.group_id}/message?line_of=nonsense").status_code == 200


STATES = [
    ({}, {}, "by text"),
    ({}, {"stopped_at": NOW}, "unreachable: everything is stopped for them"),
    ({}, {"adult_on": date(2030, 1, 1)}, "unreachable: under 18, and no legal ground is noted"),
    ({"choice": Choice.NONE}, {}, "unreachable: no number or email for the way they chose"),
    ({}, {"may_text": False}, "unreachable: it is not safe to write to them this way"),
    ({"agrees": ()}, {}, "Not invited yet"),
]


@pytest.mark.parametrize(("made", "then", "says"), STATES)
def test_the_members_tab_says_who_is_reached_and_why_others_are_not(parts, past, staff, made, then, says):
    with parts.open_db() as db:
        who = builders.member(db, "Ben Cole", **made)
        for name, value in then.items():
            setattr(who, name, value)
        builders.enrolled(db, db.get_one(GroupSession, past.id).group, who)
    shown = staff.get(f"/groups/{past.group_id}/members").text
    texted = 2 if says == "by text" else 1

    assert says in shown
    assert f"{texted} of 2 will be texted, 0 by email, {2 - texted} unreachable" in shown


def test_who_was_asked_and_may_still_answer_is_not_called_unreachable(parts, past, staff):
    with parts.open_db() as db:
        who = builders.member(db, "Ben Cole", agrees=())
        builders.enrolled(db, db.get_one(GroupSession, past.id).group, who)
        enrol.invite(db, who, [Purpose.REMINDER], None, NOW)
    shown = staff.get(f"/groups/{past.group_id}/members").text

    assert "1 of 2 will be texted, 0 by email, 1 invited, 0 unreachable" in shown
