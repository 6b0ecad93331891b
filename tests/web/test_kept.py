"""What was typed when a sign-in had ended is not lost."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from service.flows import sign_ins, staffing
from service.models import KeptForm, Practice, Staff
from service.models.practice import Role
from tests import builders
from tests.builders import NOW
from tests.stopped_clock import StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FORM = {
    "name": "Oak Street, the new house",
    "sender_label": "Oak St Office",
    "phone": "212-555-0199",
    "reading_hours": "Mon-Fri 9-5",
    "country": "US",
    "time_zone": "America/New_York",
    "opens": "09:00",
    "closes": "20:00",
}


@pytest.fixture
def clock_of_staff():
    return StoppedClock()


@pytest.fixture
def parts(parts, clock_of_staff):
    return replace(parts, machine_clock=clock_of_staff)


@pytest.fixture
def dana(parts, client):
    with parts.open_db() as db:
        builders.practice(db)
        staffing.add_staff(db, "eve@oak.example.org", "Eve", Role.ADMIN, NOW, PASSWORD)
        row = staffing.add_staff(db, EMAIL, "Dana", Role.ADMIN, NOW, PASSWORD)
        client.set_cookie("staff", sign_ins.start(db, row.id, NOW))
    return row.id


def token_of(client):
    return TOKEN.search(client.get("/sign-in").text)[1]


def post(client, path, form, **named):
    return client.post(path, data={"csrf_token": token_of(client), **form}, **named)


def too_late(client, clock, form=FORM, path="/settings", **named):
    clock.go(minutes=16)
    return post(client, path, form, **named)


def sign_in(client, email=EMAIL, back="/kept"):
    return post(client, "/sign-in", {"email": email, "password": PASSWORD, "next": back})


def carried_on(client):
    """Press Carry on, as a browser does: the form of the page, sent again where the answer says."""
    page = client.get("/kept").text
    action = page.partition('action="/kept?form=')[2].partition('"')[0]
    fields = {name: value for name, value in FORM.items() if f'name="{name}" value="{value}"' in page}
    answer = post(client, f"/kept?form={action}", fields)
    return post(client, answer.location, fields) if answer.status_code == 307 else answer


def name_of_practice(parts):
    with parts.read_db() as db:
        return db.scalars(select(Practice)).one().name


def kept(parts):
    with parts.read_db() as db:
        return db.scalars(select(KeptForm)).all()


def test_a_form_that_comes_too_late_saves_nothing_and_leads_to_the_way_in(parts, client, dana, clock_of_staff):
    answer = too_late(client, clock_of_staff)

    assert (answer.status_code, answer.location) == (302, "/sign-in?next=/kept")
    assert "What you typed is kept" in client.get(answer.location).text
    assert name_of_practice(parts) == "Oak Street Practice"


def test_signed_in_again_one_press_carries_on_with_all_that_was_typed(parts, client, dana, clock_of_staff):
    too_late(client, clock_of_staff)
    answer = sign_in(client)
    page = client.get("/kept").text
    saved = carried_on(client)

    assert answer.location == "/kept"
    assert FORM["name"] in page
    assert (saved.status_code, saved.location) == (302, "/settings")
    assert name_of_practice(parts) == FORM["name"]
    assert kept(parts) == []


def test_it_is_kept_for_whoever_typed_it_and_shown_to_nobody_else(parts, client, dana, clock_of_staff):
    too_late(client, clock_of_staff)
    sign_in(client, "eve@oak.example.org")

    assert FORM["name"] not in client.get("/kept").text
    assert carried_on(client).location == "/kept"
    assert name_of_practice(parts) == "Oak Street Practice"


def test_a_page_that_was_left_alone_sends_what_was_typed_and_signs_out(parts, client, dana):
    answer = post(client, "/sign-in/again", {**FORM, "kept_path": "/settings"})
    still_in = client.get("/settings").status_code
    sign_in(client)

    assert (answer.location, still_in) == ("/sign-in?next=/kept", 302)
    assert carried_on(client).location == "/settings"
    assert name_of_practice(parts) == FORM["name"]


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "x", "", "/" + "x" * 300]
)
def test_nothing_is_kept_for_another_site(parts, client, dana, path):
    answer = post(client, "/sign-in/again", {**FORM, "kept_path": path})

    assert answer.location == "/sign-in"
    assert kept(parts) == []


def test_neither_passwords_nor_tokens_are_kept_and_the_rest_is_sealed(parts, client, dana, clock_of_staff):
    too_late(client, clock_of_staff, {"password": PASSWORD, "new_password": PASSWORD, "code": "123456", "name": "Al"})
    (row,) = kept(parts)

    assert row.fields == '[["name", "Al"]]'
    assert b"Al" not in row.fields_sealed


def test_nothing_is_kept_for_strangers_for_whoever_left_and_of_previews(parts, app, client, dana, clock_of_staff):
    post(app.test_client(), "/settings", FORM)
    too_late(client, clock_of_staff, headers={"HX-Request": "true"})
    too_late(client, clock_of_staff, {"name": "x" * 500_000})
    with parts.open_db() as db:
        db.get_one(Staff, dana).disabled_at = NOW
    too_late(client, clock_of_staff)

    assert kept(parts) == []


def test_what_nobody_came_back_for_is_gone_after_twelve_hours(parts, client, dana, clock_of_staff):
    too_late(client, clock_of_staff)
    clock_of_staff.go(hours=12)
    sign_in(client)

    assert "Nothing is waiting" in client.get("/kept").text
    assert kept(parts) == []


def test_it_can_be_dropped(parts, client, dana, clock_of_staff):
    too_late(client, clock_of_staff)
    sign_in(client)
    post(client, f"/kept/drop?form={kept(parts)[0].id}", {})

    assert kept(parts) == []
    assert carried_on(client).location == "/kept"


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(client, dana, clock_of_staff):
    for _ in range(2):
        clock_of_staff.go(minutes=8)
        answer = client.get("/settings", headers={"HX-Request": "true"})

    assert answer.status_code == 302
