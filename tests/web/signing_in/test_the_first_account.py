"""The first account is made once, from this machine, and is signed in."""

import pytest
from sqlalchemy import select

from service.models import Practice, Staff
from service.models.practice import Role
from tests import builders
from tests.web.conftest import EMAIL, PASSWORD, TOKEN
from tests.web.made_groups import has_error_at
from tests.web.signing_in.conftest import is_in, post

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FIRST = {
    "name": "Dana Whitlock",
    "email": EMAIL,
    "password": PASSWORD,
    "practice": "Oak Street Practice",
    "sender": "Oak St Office",
    "phone": "212-555-0123",
    "country": "US",
    "time_zone": "America/New_York",
}


def staff_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Staff)).all()


def test_whoever_comes_first_is_asked_to_make_the_first_account(client):
    assert [client.get(path).location for path in ("/", "/groups", "/sign-in")] == ["/welcome"] * 3


def test_the_first_account_is_signed_in_and_the_practice_has_its_name(parts, client):
    answer = post(client, "/welcome", FIRST)

    assert (answer.status_code, answer.location, is_in(client)) == (302, "/", True)
    with parts.read_db() as db:
        assert db.scalars(select(Practice)).one().name == "Oak Street Practice"
        assert db.scalars(select(Staff)).one().role is Role.ADMIN


@pytest.mark.parametrize("label", ["Willow Trauma", "Riverside Recovery", "Grief Office", "Willow 🙂"])
def test_a_name_that_opens_every_text_and_says_what_it_is_about_is_refused_at_once(parts, client, label):
    answer = post(client, "/welcome", {**FIRST, "sender": label})

    assert (answer.status_code, has_error_at(answer, "sender"), staff_of(parts)) == (422, True, [])


def test_a_practice_that_is_there_already_keeps_its_clock(parts, client):
    with parts.open_db() as db:
        builders.practice(db, time_zone="Europe/London", country="GB")

    page = client.get("/welcome").text
    assert [f'value="{value}" selected' in page for value in ("Europe/London", "GB")] == [True, True]


def test_the_first_account_is_made_once(parts, client):
    post(client, "/welcome", FIRST)

    assert client.get("/welcome").status_code == 404
    assert post(client, "/welcome", {**FIRST, "email": "eve@example.org"}).status_code in (400, 404)
    assert len(staff_of(parts)) == 1


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.5", "::ffff:203.0.113.9"])
def test_the_first_account_is_made_from_this_machine_alone(parts, client, address):
    from_afar = {"REMOTE_ADDR": address}
    token = TOKEN.search(client.get("/welcome").text)[1]

    assert client.get("/welcome", environ_base=from_afar).status_code == 404
    assert client.post("/welcome", data={**FIRST, "csrf_token": token}, environ_base=from_afar).status_code == 404
    assert staff_of(parts) == []


def test_a_proxy_on_this_machine_does_not_make_a_stranger_local(parts, client):
    """Behind a proxy everybody comes from this machine: what it forwards for is no newcomer at the keyboard."""
    answer = client.get("/welcome", headers={"X-Forwarded-For": "203.0.113.9"})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("email", "nonsense"),
        ("email", ""),
        ("password", "short"),
        ("password", "aaaaaaaaaaaaaa"),
        ("password", "Password1234"),
        ("password", "x" * 1_000_000),
        ("practice", ""),
        ("sender", "seventeen letters"),
        ("country", "XX"),
        ("time_zone", "Mars/Olympus"),
    ],
)
def test_what_is_wrong_with_the_first_account_stands_at_its_field(parts, client, field, value):
    answer = post(client, "/welcome", {**FIRST, field: value})

    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert f'id="f-{field}-error"' in answer.text
    assert PASSWORD not in answer.text
    assert staff_of(parts) == []


def test_what_was_typed_stays_when_a_field_is_wrong(client):
    page = post(client, "/welcome", {**FIRST, "email": "nonsense"}).text

    assert all(f'value="{FIRST[name]}"' in page for name in ("name", "practice", "sender", "phone"))
