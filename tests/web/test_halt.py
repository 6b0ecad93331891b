"""Stopping everything for a member, how a group's texts are watched, and what a coordinator does not see."""

import pytest
from sqlalchemy import select

from service.flows import sign_ins, staffing
from service.flows.answer import Inbound
from service.flows.plan import plan
from service.flows.receive import receive
from service.models import AuditEntry, Contact, Delivery, Group, Member
from service.models.groups import Safety
from service.models.practice import Role
from service.rules.consent import Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import HOURS, NOW
from tests.web.conftest import Staffer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def scene(parts):
    """A reminder, and a reflection question, of one member."""
    with parts.open_db() as db:
        made = builders.scene(db, mobile="+12125550100")
        builders.rule(db, db.get_one(Group, made.group), Kind.REFLECTION, 18 * HOURS)
        plan(db, NOW)
        return made


def states(parts):
    with parts.read_db() as db:
        return {row.kind: (row.state, row.reason) for row in db.scalars(select(Delivery))}


def contacts(parts, count):
    with parts.open_db() as db:
        for number in range(count):
            one = builders.staff(db, f"{number}@oak.example.org")
            db.add(Contact(staff_id=one.id, position=number, days=[], tested_at=NOW))


def test_the_switch_says_first_what_follows_from_it(staff, scene):
    page = staff.get(f"/members/{scene.member}/everything").text

    assert "2 waiting messages are taken back at once" in page
    assert "Any of the staff can start it again, with a reason." in page


def test_the_switch_stops_everything_and_starts_it_again(parts, staff, scene):
    path = f"/members/{scene.member}/everything"
    staff.post(path, {"to": "stop", "reason": "She moved to another clinic."})
    stopped, shown = states(parts), staff.get(f"/members/{scene.member}").text
    staff.post(path, {"to": "start", "reason": "She is back."})

    assert set(stopped.values()) == {(State.SUPPRESSED, Refusal.HALTED)}
    assert "Everything is stopped" in shown
    assert {state for state, _ in states(parts).values()} == {State.SCHEDULED}
    with parts.read_db() as db:
        assert {"everything stopped", "started again"} <= set(db.scalars(select(AuditEntry.action)))


def test_a_second_press_of_an_old_page_changes_nothing(parts, staff, scene):
    path = f"/members/{scene.member}/everything"
    for _ in range(2):
        staff.post(path, {"to": "stop", "reason": "She moved."})
    with parts.read_db() as db:
        actions = list(db.scalars(select(AuditEntry.action)))

    assert actions.count("everything stopped") == 1


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\x00b"])
def test_without_a_reason_nothing_is_stopped(parts, staff, scene, reason):
    answer = staff.post(f"/members/{scene.member}/everything", {"to": "stop", "reason": reason})

    assert (answer.status_code, 'href="#f-reason"' in answer.text) == (422, True)
    with parts.read_db() as db:
        assert db.get_one(Member, scene.member).stopped_at is None


def test_a_one_way_group_is_reminded_and_asked_nothing(parts, staff, scene):
    staff.post(f"/groups/{scene.group}/safety", {"safety": "one_way"})
    one_way = states(parts)
    staff.post(f"/groups/{scene.group}/safety", {"safety": "unmonitored"})

    assert one_way[Kind.REFLECTION] == (State.CANCELLED, Refusal.ONE_WAY)
    assert one_way[Kind.REMINDER][0] is State.SCHEDULED
    assert states(parts)[Kind.REFLECTION][0] is State.SCHEDULED


@pytest.mark.parametrize(("reached", "status"), [(0, 422), (1, 422), (2, 302)])
def test_staffed_needs_two_contacts_that_were_reached(parts, staff, scene, reached, status):
    contacts(parts, reached)
    answer = staff.post(f"/groups/{scene.group}/safety", {"safety": "staffed"})

    assert answer.status_code == status
    with parts.read_db() as db:
        assert (db.get_one(Group, scene.group).safety is Safety.STAFFED) == (status == 302)


def test_questions_of_a_staffed_group_wait_once_nobody_was_reached_for_a_month(parts, staff, scene, clock):
    contacts(parts, 2)
    staff.post(f"/groups/{scene.group}/safety", {"safety": "staffed"})
    before = states(parts)[Kind.REFLECTION][0]
    with parts.open_db() as db:
        for contact in db.scalars(select(Contact)).all():
            contact.tested_at = None
        plan(db, NOW)

    assert before is State.SCHEDULED
    assert states(parts)[Kind.REFLECTION] == (State.CANCELLED, Refusal.NOT_STAFFED)
    assert "Questions of staffed groups wait" in staff.get("/").text


def test_a_question_for_words_is_not_switched_on_with_nobody_to_call(parts, staff, scene):
    path = f"/groups/{scene.group}/messages"
    with parts.read_db() as db:
        rules = [rule.id for rule in db.get_one(Group, scene.group).rules]
    everything = {f"rule_{one}": "1" for one in rules}
    staff.post(path, {})
    refused = staff.post(path, everything)
    contacts(parts, 1)
    allowed = staff.post(path, everything)

    assert (refused.status_code, allowed.status_code) == (422, 302)
    assert "needs somebody to call" in refused.text
    assert states(parts)[Kind.REFLECTION][0] is State.SCHEDULED


def test_nonsense_is_no_way_to_watch(staff, scene):
    assert staff.post(f"/groups/{scene.group}/safety", {"safety": "nonsense"}).status_code == 422


def test_a_coordinator_sees_no_word_that_members_wrote(parts, app, scene):
    client = app.test_client()
    with parts.open_db() as db:
        row = staffing.add_staff(db, "front@oak.example.org", "Front desk", Role.COORDINATOR, NOW)
        client.set_cookie("staff", sign_ins.start(db, row.id, parts.machine_clock()))
        receive(db, Inbound("SM1", "+12125550100", "the canary sings in me"), NOW)
        receive(db, Inbound("SM2", "+12125550999", "a strange canary"), NOW)
    desk = Staffer(client)
    paths = ("/", f"/members/{scene.member}", "/log", "/flags", "/queue")
    pages = {path: desk.get(path) for path in paths}

    assert {page.status_code for page in pages.values()} == {200}
    assert [path for path, page in pages.items() if "canary" in page.text] == []


def test_the_page_says_when_replies_are_read_and_what_is_answered_else(parts, staff, scene, clock):
    by_day = staff.get(f"/groups/{scene.group}/safety").text
    clock.go(hours=8)
    by_night = staff.get(f"/groups/{scene.group}/safety").text

    assert ("Mon-Fri 9-5" in by_day, "read now" in by_day, "not read now" in by_day) == (True, True, False)
    assert ("not read now" in by_night, "Texts here are not watched live." in by_night) == (True, True)
