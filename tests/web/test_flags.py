"""The red band, the flags, who may read them, and the link that a page leads to."""

import re

import pytest
from sqlalchemy import select

from service.flows import sign_ins, staffing
from service.flows.answer import Inbound
from service.flows.escalate import call_people
from service.flows.receive import receive
from service.models import AuditEntry, Contact, Flag, Page
from service.models.practice import Role
from tests import builders
from tests.builders import NOW
from tests.web.conftest import Staffer

WORDS = "I want to die, said the canary"
RECORD = {"outcome": "called", "record": "Called at 10:05. She is with her sister.", "waits": "72"}

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def flag(parts):
    with parts.open_db() as db:
        builders.member(db, "Anna Bell", mobile="+12125550100")
        receive(db, Inbound("SM1", "+12125550100", WORDS), NOW)
        return db.scalars(Flag.open()).one().id


def kept(parts, flag):
    with parts.read_db() as db:
        return db.get_one(Flag, flag)


def somebody(parts, app, role):
    client = app.test_client()
    with parts.open_db() as db:
        row = staffing.add_staff(db, f"{role}@oak.example.org", f"The {role}", role, NOW)
        token = sign_ins.start(db, row.id, parts.machine_clock())
    client.set_cookie("staff", token)
    return Staffer(client)


@pytest.mark.parametrize("path", ["/", "/groups", "/members", "/log", "/settings", "/on-call", "/flags"])
def test_an_open_flag_is_a_red_band_on_every_page(staff, flag, path):
    page = staff.get(path).text

    assert "A message needs a person now" in page
    assert page.count('role="alert"') == 1


def test_with_nobody_on_duty_the_band_says_so(parts, staff, flag):
    assert "Nobody is on duty" in staff.get("/").text


def test_the_band_stays_once_somebody_has_it_and_is_no_alarm_any_more(parts, staff, flag):
    staff.post(f"/flags/{flag}/acknowledge")
    page = staff.get("/").text

    assert "Somebody has taken it up; what was done is not on record yet." in page
    assert 'role="alert"' not in page


def test_a_flag_shows_the_words_who_wrote_them_and_who_was_called(parts, staff, flag):
    with parts.open_db() as db:
        call_people(db, NOW)
    page = staff.get(f"/flags/{flag}").text

    assert all(said in page for said in (WORDS, "Anna Bell", "+12125550100", "Dana Whitlock", "by email", "988"))


def test_whoever_reads_a_flag_is_on_record_for_it(parts, staff, flag):
    staff.get(f"/flags/{flag}")

    with parts.read_db() as db:
        assert "flag read" in db.scalars(select(AuditEntry.action)).all()


def test_a_flag_is_closed_with_what_was_done(parts, staff, flag):
    answer = staff.post(f"/flags/{flag}/close", RECORD, follow_redirects=True)

    assert "Closed, and on record." in answer.text
    assert (kept(parts, flag).record, kept(parts, flag).closed_at) == (RECORD["record"], NOW)
    assert "needs a person" not in staff.get("/").text
    with parts.read_db() as db:
        assert "flag closed" in db.scalars(select(AuditEntry.action)).all()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"record": " "}, "record"),
        ({"record": "x" * 4001}, "record"),
        ({"record": "a\x00b"}, "record"),
        ({"outcome": ""}, "outcome"),
        ({"outcome": "nonsense"}, "outcome"),
        ({"waits": "-1"}, "waits"),
        ({"waits": ""}, "waits"),
    ],
)
def test_without_a_record_it_stays_open_and_the_form_says_why(parts, staff, flag, wrong, field):
    answer = staff.post(f"/flags/{flag}/close", {**RECORD, **wrong})

    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert kept(parts, flag).closed_at is None


def test_a_closed_flag_keeps_its_first_record(parts, staff, flag):
    staff.post(f"/flags/{flag}/close", RECORD)
    staff.post(f"/flags/{flag}/close", {**RECORD, "record": "Never mind."})

    assert kept(parts, flag).record == RECORD["record"]


def test_a_coordinator_sees_that_there_is_one_and_no_word_of_it(parts, app, flag):
    coordinator = somebody(parts, app, Role.COORDINATOR)
    pages = [coordinator.get(path).text for path in (f"/flags/{flag}", "/flags", "/")]

    assert not any("canary" in page or "+12125550100" in page for page in pages)
    assert "Not for your role" in pages[0]
    assert coordinator.post(f"/flags/{flag}/close", RECORD).status_code == 404


def test_whoever_is_on_call_reads_the_flag(parts, app, flag):
    assert "canary" in somebody(parts, app, Role.ONCALL).get(f"/flags/{flag}").text


def test_the_link_of_a_page_takes_the_flag_up_without_a_sign_in_and_without_a_word(parts, client, staff, flag):
    with parts.open_db() as db:
        call_people(db, NOW)
        page = db.scalars(select(Page)).one()
        path, called = f"/p/{page.token}", page.staff_id
    stranger = staff.client.application.test_client()
    seen = stranger.get(path).text
    untouched = kept(parts, flag).acknowledged_at
    token = re.search(r'name="csrf_token" value="([^"]+)"', seen)[1]
    taken = stranger.post(path, data={"csrf_token": token})

    assert untouched is None
    assert "canary" not in seen + taken.text
    assert "Anna" not in seen + taken.text
    assert "It is yours" in taken.text
    assert kept(parts, flag).acknowledged_by == called


def test_a_link_that_was_never_sent_is_a_404(client):
    assert client.get("/p/nonsense").status_code == 404


def test_somebody_is_put_on_call_and_tested_by_the_link(parts, staff):
    with parts.read_db() as db:
        me = db.scalars(select(AuditEntry.object_id)).first()
    staff.post("/on-call", {"staff_id": me, "mobile": "212-555-0188", "days": ["mon", "tue"]})
    with parts.read_db() as db:
        contact = db.scalars(select(Contact)).one()
    staff.post(f"/on-call/{contact.id}/test")
    with parts.read_db() as db:
        pages = db.scalars(select(Page)).all()
    staff.post(f"/p/{pages[0].token}")
    shown = staff.get("/on-call").text

    assert (contact.mobile, contact.days) == ("+12125550188", ["mon", "tue"])
    assert len(pages) == 2
    assert "Reached just now" in shown
    assert "5550188" not in shown


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"staff_id": "", "mobile": ""}, "staff_id"),
        ({"staff_id": "nonsense", "mobile": ""}, "staff_id"),
        ({"staff_id": "00000000-0000-0000-0000-000000000000"}, "staff_id"),
        ({"mobile": "12"}, "mobile"),
    ],
)
def test_what_is_wrong_with_a_contact_is_said_at_its_field(parts, staff, form, field):
    answer = staff.post("/on-call", form)

    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"away_id": ""}, "away_id"),
        ({"cover_id": ""}, "cover_id"),
        ({"first": "soon"}, "first"),
        ({"first": "2027-02-02", "last": "2027-02-01"}, "last"),
        ({"first": "2026-01-01", "last": "2026-01-02"}, "last"),
    ],
)
def test_what_is_wrong_with_a_cover_is_said_at_its_field(parts, staff, changes, field):
    with parts.open_db() as db:
        other = str(builders.staff(db).id)
        me = db.scalars(select(AuditEntry.object_id)).first()
    given = {"away_id": me, "cover_id": other, "first": "2027-02-01", "last": "2027-02-05"}
    answer = staff.post("/on-call/away", {**given, **changes})
    fine = staff.post("/on-call/away", given)

    assert (answer.status_code, fine.status_code) == (422, 302)
    assert f'href="#f-{field}"' in answer.text
    assert "covered by Lee" in staff.get("/on-call").text


def test_nobody_makes_themselves_the_cover_of_another_not_even_an_administrator(parts, staff):
    with parts.open_db() as db:
        other = str(builders.staff(db).id)
        me = db.scalars(select(AuditEntry.object_id)).first()
    given = {"away_id": other, "cover_id": me, "first": "2027-02-01", "last": "2027-02-05"}
    answer = staff.post("/on-call/away", given)

    assert answer.status_code == 422
    assert "nobody takes that for themselves" in answer.text.replace("&#39;", "'")
    assert "Nobody is away." in staff.get("/on-call").text


def test_the_home_screen_asks_for_contacts_tests_and_lines_that_are_verified(parts, staff, clock):
    nobody = staff.get("/").text
    with parts.open_db() as db:
        one = builders.staff(db)
        db.add(Contact(staff_id=one.id, position=0, days=[], tested_at=NOW))
    one_tested = staff.get("/").text
    clock.go(days=200)
    old = staff.get("/").text
    staff.post("/on-call/lines")

    assert "Nobody is on call" in nobody
    assert "Only one contact has answered a test page" in one_tested
    assert "Verify the crisis lines" not in one_tested
    assert "Verify the crisis lines" in old
    assert "Verify the crisis lines" not in staff.get("/").text
