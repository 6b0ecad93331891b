"""The vectors of who gets in and what they reach, each played whole: login, access, redirect, host, session, csrf."""

import json
import re
from datetime import timedelta
from urllib.parse import unquote
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from service.flows import passwords, sign_ins, staffing
from service.models import Member, Staff
from service.models.practice import Role
from tests import builders
from tests.builders import NOW
from tests.web.conftest import TOKEN, VECTORS

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CLASSES = ("login", "access", "redirect", "host", "session", "csrf")
CASES = [
    case
    for case in json.loads((VECTORS / "bad_inputs.json").read_text("utf-8"))["vectors"]
    if case["class"].partition(".")[0] in CLASSES
]
EMAIL, PASSWORD = "staff@example.org", "seven calm blue rivers"
NOT_REFUSED = {
    "access.mass_assignment": "A page's form is read field by field, and what rides along is not looked at: no way "
    "leads from a field's name to a column. It is the API that refuses a field it does not know.",
}
"""Classes of which only what must not happen is held, and why."""


def cases(name):
    chosen = [case for case in CASES if case["class"] == name]
    assert chosen, name
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


@pytest.fixture
def lee(parts):
    with parts.open_db() as db:
        builders.practice(db)
        return staffing.add_staff(db, EMAIL, "Lee", Role.FACILITATOR, NOW, PASSWORD).id


@pytest.fixture
def cheap(monkeypatch):
    """Nobody's password is as quick to check as it is wrong: a hundred tries are no test of the machine."""
    monkeypatch.setattr(passwords, "NOBODY", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))


def signed_in(app, parts, staff_id):
    client = app.test_client()
    with parts.open_db() as db:
        client.set_cookie("staff", sign_ins.start(db, staff_id, parts.machine_clock()))
    return client


def post(client, path, form):
    token = TOKEN.search(client.get("/sign-in").text)[1]
    return client.post(path, data={"csrf_token": token, **form})


def text(given):
    if isinstance(given, str):
        return given
    return given["$repeat"][0] * given["$repeat"][1]


def check(case, answer):
    expected = case["expect"]
    assert answer.status_code == expected["http"]
    for sentence in expected["message"].rstrip(".").split(". "):  # the first of two may be the title
        said = re.escape(sentence).replace(r"\{n\}", r"\d+").replace("minutes", "minutes?")
        assert re.search(said, answer.text), sentence
    assert not any(word in answer.text for word in ("Traceback", "SELECT ", 'File "'))


def test_every_vector_of_these_classes_is_played(database_url):
    played = {
        *("login.wrong", "login.too_many", "login.password_rules", "login.password_too_long", "access.other_group"),
        *("access.role", "redirect.open", "host.header", "session.forged_cookie", "csrf.missing"),
    }

    assert {case["class"] for case in CASES} == played | set(NOT_REFUSED)


@cases("login.wrong")
def test_who_is_not_known_and_who_is_wrong_hear_the_same(client, lee, case):
    check(case, post(client, "/sign-in", case["input"]))


@cases("login.too_many")
def test_too_many_tries_have_to_wait(client, lee, cheap, case):
    times, form, *_ = case["input"]["$times"]
    random = isinstance(form["email"], dict)
    for n in range(times):
        answer = post(client, "/sign-in", {**form, "email": f"{n}@example.org"} if random else form)
        assert n == times - 1 or answer.status_code == 401

    check(case, answer)


@cases("login.password_rules")
def test_a_weak_password_is_not_set(parts, client, lee, case):
    check(case, set_password(parts, client, lee, case))


@cases("login.password_too_long")
def test_a_password_that_is_too_long_is_not_cut(parts, client, lee, case):
    check(case, set_password(parts, client, lee, case))


def set_password(parts, client, lee, case):
    with parts.open_db() as db:
        token = staffing.password_link(db, db.get_one(Staff, lee), parts.machine_clock())
    answer = post(client, f"/password/{token}", {"password": text(case["input"])})
    assert client.get(f"/password/{token}").status_code == 200, "the link is used up"
    return answer


@cases("access.other_group")
def test_the_group_of_another_is_not_there(app, parts, lee, case):
    with parts.open_db() as db:
        group = builders.group(db)
        group.facilitator_id = builders.staff(db, "eve@oak.example.org").id
    keys = {"id of a group of another facilitator": group.id, "id of a group of another practice": uuid4()}
    answer = signed_in(app, parts, lee).get(f"/groups/{keys.get(case['input'], case['input'])}")

    check(case, answer)
    assert group.name not in answer.text


@cases("access.role")
def test_the_front_desk_reads_nothing_that_members_wrote(app, parts, case):
    with parts.open_db() as db:
        builders.practice(db)
        front = builders.staff(db, "front@oak.example.org", Role.COORDINATOR)

    check(case, signed_in(app, parts, front.id).get(case["input"]))


@cases("access.mass_assignment")
def test_a_field_that_rides_along_sets_nothing(app, parts, case):
    with parts.open_db() as db:
        builders.practice(db)
        who = builders.member(db)
        front = builders.staff(db, "front@oak.example.org", Role.COORDINATOR)
    client = signed_in(app, parts, front.id)
    form = {**case["input"], "mobile": "+12125550100", "channel": "sms", "language": "en", "id": str(uuid4())}
    answer = post(client, f"/members/{who.id}/contact", form)

    assert answer.status_code < 500
    with parts.read_db() as db:
        assert db.get_one(Staff, front.id).role is Role.COORDINATOR
        assert [row.id for row in db.scalars(select(Member))] == [who.id]


@cases("redirect.open")
def test_after_signing_in_nobody_is_sent_elsewhere(client, lee, case):
    page = client.get("/sign-in", query_string={"next": unquote(case["input"])})
    back = re.search(r'name="next" value="([^"]*)"', page.text)[1]
    answer = post(client, "/sign-in", {"email": EMAIL, "password": PASSWORD, "next": back})

    assert (answer.status_code, answer.location) == (case["expect"]["http"], case["expect"]["location"])


@cases("host.header")
def test_a_name_that_is_not_ours_is_refused(app, parts, lee, case):
    for path in ("/", "/sign-in", "/healthz", "/webhooks/twilio/inbound", "/nowhere"):
        answer = signed_in(app, parts, lee).get(path, headers=case["input"])

        check(case, answer)
        assert "evil.example" not in answer.text


@cases("session.forged_cookie")
def test_a_cookie_that_opens_nothing_leads_to_the_way_in(app, parts, lee, case):
    client = app.test_client()
    client.set_cookie("staff", forged(parts, lee, case["input"]))
    answer = client.get("/groups")

    assert (answer.status_code, answer.location) == (case["expect"]["http"], "/sign-in?next=/groups")


def forged(parts, lee, given):
    if isinstance(given, str):
        return given
    now = parts.machine_clock()
    with parts.open_db() as db:
        token = sign_ins.start(db, lee, now - timedelta(minutes=31 if "idle" in given["$cookie"] else 0))
        if "log-out" in given["$cookie"]:
            sign_ins.end(db, token, now)
    return token


@cases("csrf.missing")
def test_a_form_without_its_token_changes_nothing(app, parts, lee, case):
    answer = signed_in(app, parts, lee).post("/account/name", data={"name": "Eve", **case["input"]})

    check(case, answer)
    with parts.read_db() as db:
        assert db.get_one(Staff, lee).name == "Lee"
