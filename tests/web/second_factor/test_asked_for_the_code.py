"""After the password the code is asked for, and nobody is in before it."""

import pyotp
import pytest
from sqlalchemy import select

from service.flows import staffing
from service.models import SignIn, Staff
from tests.builders import NOW
from tests.web.second_factor.conftest import Browser

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def code(seed, clock):
    return pyotp.TOTP(seed).at(clock())


def test_after_the_password_nobody_is_in_before_the_code(parts, app, seed, clock_of_staff):
    before = sign_ins_of(parts)
    other = Browser(app)
    answer = other.sign_in(next="/log")

    assert answer.location == "/sign-in/second?next=/log"
    assert other.client.get_cookie("staff") is None
    assert not other.is_in()
    assert sign_ins_of(parts) == before
    after = other.post("/sign-in/second/code", code=code(seed, clock_of_staff), next="/log")
    assert (after.location, other.is_in()) == ("/log", True)
    assert other.client.get_cookie("half-way") is None


def sign_ins_of(parts):
    with parts.read_db() as db:
        return len(db.scalars(select(SignIn)).all())


def test_a_wrong_code_is_said_at_its_field_and_the_fifth_ends_it(parts, app, seed):
    other = Browser(app)
    other.sign_in()
    answers = [other.post("/sign-in/second/code", code="000000x") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [401] * 4 + [302]
    assert 'id="f-code-error"' in answers[0].text
    assert answers[4].location == "/sign-in"
    assert "Sign in again" in other.get("/sign-in").text


def test_the_code_that_set_the_app_up_signs_nobody_in(parts, app, browser):
    made, _ = browser.set_up(parts)
    other = Browser(app)
    other.sign_in()

    assert other.post("/sign-in/second/code", code=pyotp.TOTP(made).at(NOW)).status_code == 401


def test_five_minutes_later_the_password_is_asked_for_again(parts, app, seed, clock_of_staff):
    other = Browser(app)
    other.sign_in()
    clock_of_staff.go(minutes=5)

    assert other.get("/sign-in/second").location == "/sign-in"
    assert other.post("/sign-in/second/code", code=code(seed, clock_of_staff)).location == "/sign-in"


def test_a_recovery_code_signs_in_once_and_says_how_many_are_left(parts, app, browser):
    _, codes = browser.set_up(parts)
    answers = []
    for _ in range(2):
        other = Browser(app)
        other.sign_in()
        answers.append(other.post("/sign-in/second/recovery", recovery=codes[0].lower()))
        if answers[-1].status_code == 302:
            assert "9 recovery codes are left" in other.get("/").text

    assert [answer.status_code for answer in answers] == [302, 401]


def test_a_link_that_sets_a_password_does_not_go_around_the_code(parts, app, dana, seed):
    with parts.open_db() as db:
        token = staffing.password_link(db, db.get_one(Staff, dana), parts.machine_clock())
    other = Browser(app)
    answer = other.post(f"/password/{token}", password="eight loud green rivers")

    assert (answer.location, other.is_in()) == ("/sign-in/second", False)


@pytest.mark.parametrize("path", ["", "/code", "/recovery", "/passkey"])
def test_without_the_password_there_is_no_second_step(app, dana, path):
    stranger = Browser(app)
    answer = stranger.post(f"/sign-in/second{path}") if path else stranger.get("/sign-in/second")

    assert answer.location == "/sign-in"


def test_nobody_is_sent_elsewhere_after_the_code(app, seed, clock_of_staff):
    other = Browser(app)
    other.sign_in()
    answer = other.post("/sign-in/second/code", code=code(seed, clock_of_staff), next="https://evil.example")

    assert answer.location == "/"
