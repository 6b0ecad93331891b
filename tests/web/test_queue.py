"""What goes out next: to whom, when, and why; what would, if it were another moment; and how one is stopped."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows.plan import plan
from service.models import AuditEntry, Delivery
from service.models.groups import Answer
from service.rules.consent import Channel, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.listening import heard

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def scene(parts):
    with parts.open_db() as db:
        return builders.scene(db)


def test_a_waiting_message_stands_under_its_day_with_the_rule_and_the_consent(staff, scene):
    page = staff.get("/queue").text

    assert "Wed Jan 6" in page
    assert "24 hours before the session, send a reminder by the member&#39;s choice." in page
    assert "Agreed on Mon Jan 4 (paper)" in page
    assert "Not in the way: messages arrive 9:00 AM to 8:00 PM" in page


def test_what_quiet_hours_hold_back_says_until_when(parts, staff, scene):
    with parts.open_db() as db:
        db.get_one(Delivery, scene.delivery).next_at += timedelta(hours=14)
    page = staff.get("/queue").text

    assert "Held until 8:30 AM" in page
    assert "Due Wed Jan 6 at 6:30 PM, held until Thu Jan 7 at 8:30 AM" in page


@pytest.mark.parametrize(
    ("asked", "there"),
    [("kind=reminder", True), ("kind=checkin", False), ("channel=sms", True), ("channel=email", False)],
)
def test_the_queue_can_be_narrowed_down(staff, scene, asked, there):
    assert ("Anna Bell" in staff.get(f"/queue?{asked}").text) is there


def test_the_queue_of_another_group_does_not_hold_it(parts, staff, scene):
    with parts.open_db() as db:
        other = builders.group(db, "Another").id

    assert "Anna Bell" in staff.get(f"/queue?group={scene.group}").text
    assert "Nothing like this waits" in staff.get(f"/queue?group={other}").text


def test_a_stopped_message_does_not_go_and_is_not_planned_again(parts, staff, scene):
    path = f"/queue/{scene.delivery}/stop"
    assert staff.post(path).location == f"/queue/{scene.delivery}"
    staff.post(path, {"confirmed": "1"})
    with parts.open_db() as db:
        plan(db, NOW)
        row = db.get_one(Delivery, scene.delivery)

        assert (row.state, row.reason) == (State.CANCELLED, "stopped by staff")
        assert "message stopped" in db.scalars(select(AuditEntry.action)).all()


def test_what_has_left_cannot_be_stopped(parts, staff, scene):
    with parts.open_db() as db:
        db.get_one(Delivery, scene.delivery).move(db, State.SENDING, NOW, by="worker")
    staff.post(f"/queue/{scene.delivery}/stop", {"confirmed": "1"})

    assert "It has left already" in staff.get("/queue").text
    with parts.read_db() as db:
        assert db.get_one(Delivery, scene.delivery).state is State.SENDING


def test_a_dry_run_says_what_would_go_and_what_would_not_and_why(parts, staff, scene):
    with parts.open_db() as db:
        group = db.get_one(Delivery, scene.delivery).group_session.group
        nobody = builders.member(db, "Bea Holt", agrees=[])
        builders.enrolled(db, group, nobody)
    page = staff.get("/queue?as_of=2027-01-06T17:59").text

    assert "As if it were Wed Jan 6 at 5:59 PM" in page
    assert "Would go: 1" in page
    assert "Would not go: no consent on record" in page


def test_a_dry_run_knows_what_staff_have_stopped(staff, scene):
    staff.post(f"/queue/{scene.delivery}/stop", {"confirmed": "1"})

    assert "Would not go: stopped by staff" in staff.get("/queue?as_of=2027-01-06T17:59").text


def test_a_dry_run_knows_who_has_answered(parts, staff, scene):
    with parts.open_db() as db:
        row = db.get_one(Delivery, scene.delivery)
        builders.answered(db, row.group_session, row.member, Answer.CANNOT)

    assert "Would not go: said they can&#39;t come" in staff.get("/queue?as_of=2027-01-06T17:59").text


@pytest.mark.parametrize("as_of", ["nonsense", "2027-01-06", "2031-01-06T17:59", "2027-01-06T17:59+01:00", "9" * 40])
def test_a_moment_that_cannot_be_read_is_said_at_its_field(staff, scene, as_of):
    answer = staff.get("/queue", query_string={"as_of": as_of})

    assert answer.status_code in (200, 422)
    assert as_of == "2027-01-06" or 'href="#f-as_of"' in answer.text


def test_the_queue_asks_the_database_no_more_with_more_rows(parts, staff, scene):
    asked = []
    for _ in range(2):
        with heard(parts.engine) as statements:
            staff.get("/queue")
        asked.append(len(statements))
        with parts.open_db() as db:
            group = db.get_one(Delivery, scene.delivery).group_session.group
            for number in range(12):
                builders.enrolled(db, group, builders.member(db, f"Member {number}"))
            plan(db, NOW)

    assert asked[0] == asked[1]


def test_a_message_under_no_consent_says_that_it_would_not_go(parts, staff, scene):
    with parts.open_db() as db:
        row = db.get_one(Delivery, scene.delivery)
        builders.withdraw(db, row.member, [Purpose.REMINDER])
        assert row.kind is Kind.REMINDER
        assert row.channel is Channel.SMS

    assert "Would not go: no consent on record" in staff.get("/queue").text


def test_the_home_page_asks_the_database_no_more_with_more_groups(parts, staff, scene):
    asked = []
    for turn in range(2):
        with heard(parts.engine) as statements:
            staff.get("/")
        asked.append(len(statements))
        with parts.open_db() as db:
            for number in range(4):
                group = builders.group(db, f"Group {turn} {number}")
                about = builders.session(db, group)
                who = builders.member(db, f"Member {turn} {number}")
                builders.enrolled(db, group, who)
                builders.delivery(db, who, about, next_at=NOW + timedelta(hours=number + 1))

    assert asked[0] == asked[1]
