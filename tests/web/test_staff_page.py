"""Settings, Staff: who uses the pages, and the password that every change of it asks for."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from service.flows import sign_ins, staffing
from service.models import AuditEntry, Group, Staff
from service.models.practice import Role
from tests import builders
from tests.builders import NOW
from tests.stopped_clock import StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NEW = {"name": "Lee Park", "email": "lee@oak.example.org", "role": "facilitator"}
LINK = re.compile(r"/password/[\w-]{22,}")


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
        row = staffing.add_staff(db, EMAIL, "Dana", Role.ADMIN, NOW, PASSWORD)
        client.set_cookie("staff", sign_ins.start(db, row.id, NOW))
    return row.id


@pytest.fixture
def lee(parts, app, dana):
    """A facilitator with a group, signed in."""
    with parts.open_db() as db:
        row = staffing.add_staff(db, NEW["email"], "Lee Park", Role.FACILITATOR, NOW, PASSWORD)
        builders.group(db).facilitator_id = row.id
        token = sign_ins.start(db, row.id, NOW)
    browser = app.test_client()
    browser.set_cookie("staff", token)
    return row.id, browser


def post(client, path, form=None):
    token = TOKEN.search(client.get("/sign-in").text)[1]
    return client.post(path, data={"csrf_token": token, **(form or {})})


def of(parts, key):
    with parts.read_db() as db:
        return db.get_one(Staff, key)


def actions(parts):
    with parts.read_db() as db:
        return [(row.action, row.staff_id) for row in db.scalars(select(AuditEntry).order_by(AuditEntry.seq))]


def is_in(client):
    return client.get("/account").status_code == 200


def test_somebody_who_is_added_gets_a_link_that_is_shown_once(parts, app, client, dana):
    answer = post(client, "/settings/staff", NEW)
    (path,) = LINK.findall(answer.text.replace("<wbr>", "").partition("<code>")[2].partition("</code>")[0])
    newcomer = app.test_client()
    post(newcomer, path, {"password": PASSWORD})

    assert answer.status_code == 200
    assert is_in(newcomer)
    assert not LINK.search(client.get("/settings/staff").text)
    assert [action for action, by in actions(parts) if by == dana] == ["staff added", "password link made"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 81), ("email", "nonsense"), ("email", EMAIL), ("role", "owner"), ("role", "")],
)
def test_what_is_wrong_with_a_newcomer_stands_at_its_field(client, dana, field, value):
    answer = post(client, "/settings/staff", {**NEW, field: value})

    assert answer.status_code == 422
    assert f'id="f-{field}-error"' in answer.text
    assert not LINK.search(answer.text)


def test_a_new_link_makes_the_earlier_one_void_and_the_password_stays_until_it_is_used(parts, client, dana, lee):
    key, browser = lee
    first, second = (LINK.search(post(client, f"/settings/staff/{key}/link").text)[0] for _ in range(2))

    assert is_in(browser)
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)


def test_another_role_signs_out_and_gives_groups_back_that_the_new_role_does_not_lead(parts, client, dana, lee):
    key, browser = lee
    post(client, f"/settings/staff/{key}/role", {"role": "coordinator"})

    assert (of(parts, key).role, is_in(browser)) == (Role.COORDINATOR, False)
    assert ("role changed", dana) in actions(parts)
    with parts.read_db() as db:
        assert db.scalars(select(Group.facilitator_id)).all() == [None]
    assert "1 group has no facilitator now" in client.get("/settings/staff").text


def test_whoever_is_disabled_is_out_at_once_until_they_are_enabled(parts, app, client, dana, lee):
    key, browser = lee
    link = LINK.search(post(client, f"/settings/staff/{key}/link").text)[0]
    post(client, f"/settings/staff/{key}/disable")
    out = (is_in(browser), client.get(link).status_code, client.post(f"/settings/staff/{key}/link").status_code)
    refused = post(browser, "/sign-in", {"email": NEW["email"], "password": PASSWORD}).status_code
    post(client, f"/settings/staff/{key}/enable")
    back = post(browser, "/sign-in", {"email": NEW["email"], "password": PASSWORD}).status_code

    assert out[:2] == (False, 404)
    assert (refused, back) == (401, 302)
    told = [action for action, _ in actions(parts)][-4:]
    assert told == ["staff disabled", "unknown address", "staff enabled", "signed in"]


@pytest.mark.parametrize(("change", "form"), [("role", {"role": "coordinator"}), ("disable", {})])
def test_nobody_takes_their_own_account_away(parts, client, dana, change, form):
    post(client, f"/settings/staff/{dana}/{change}", form)

    assert "Ask another administrator" in client.get("/settings/staff").text
    assert (of(parts, dana).role, of(parts, dana).disabled_at) == (Role.ADMIN, None)


def test_a_role_that_does_not_exist_is_refused_in_words(client, dana, lee):
    answer = post(client, f"/settings/staff/{lee[0]}/role", {"role": "owner"})

    assert (answer.status_code, "Choose a role from the list." in answer.text) == (422, True)


def test_somebody_who_is_not_there_is_a_404(client, dana):
    for change in ("role", "link", "disable", "enable"):
        path = f"/settings/staff/00000000-0000-0000-0000-000000000000/{change}"

        assert post(client, path, {"role": "admin"}).status_code == 404


# the password, once more


def test_a_password_of_ten_minutes_ago_is_asked_for_again_and_the_form_goes_on(parts, client, dana, clock_of_staff):
    clock_of_staff.go(minutes=11)
    asked = post(client, "/settings/staff", NEW)
    done = post(client, "/settings/staff", {**NEW, "proof_password": PASSWORD})

    assert (asked.status_code, LINK.search(asked.text)) == (401, None)
    assert all(f'name="{name}" value="{value}"' in asked.text for name, value in NEW.items())
    assert 'action="/settings/staff"' in asked.text
    assert (done.status_code, bool(LINK.search(done.text))) == (200, True)
    assert post(client, "/settings/staff", {**NEW, "email": "ed@oak.example.org"}).status_code == 200


def test_a_wrong_password_does_nothing_and_is_counted_like_at_the_door(parts, client, dana, clock_of_staff):
    clock_of_staff.go(minutes=11)
    form = {**NEW, "proof_password": "another long password"}
    answers = [post(client, "/settings/staff", form) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert "That is not your password." in answers[0].text
    assert NEW["email"] not in client.get("/settings/staff").text


@pytest.mark.parametrize(
    "path",
    ["/settings/providers/test", "/log/csv", "/settings/staff/00000000-0000-0000-0000-000000000000/link"],
)
def test_each_dangerous_step_asks(client, dana, clock_of_staff, path):
    clock_of_staff.go(minutes=11)

    assert (post(client, path).status_code, client.get("/settings").status_code) == (401, 200)


def test_what_is_not_dangerous_does_not_ask(client, dana, clock_of_staff):
    clock_of_staff.go(minutes=11)

    assert post(client, "/account/name", {"name": "Dana Reed"}).status_code == 302


def test_the_step_is_asked_about_only_of_whoever_may_take_it(app, parts, lee, clock_of_staff):
    clock_of_staff.go(minutes=11)

    assert post(lee[1], "/settings/staff", NEW).status_code == 404
