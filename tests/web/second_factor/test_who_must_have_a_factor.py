"""Who sees nothing else until they have a second factor."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from service.app import create_app
from service.flows import second_factor, sign_ins
from service.models import SecondFactor, Staff
from service.models.practice import Role
from service.settings import Mode
from tests.web.second_factor.conftest import PAGE, Browser

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HTTPS = "https://groups.example.org"


@pytest.fixture
def live(parts):
    """The same practice, live."""
    return create_app(replace(parts, settings=replace(parts.settings, mode=Mode.LIVE, public_url=HTTPS)))


def of_role(parts, dana, role):
    with parts.open_db() as db:
        db.get_one(Staff, dana).role = role


@pytest.mark.parametrize("role", [Role.ADMIN, Role.FACILITATOR])
def test_live_nothing_opens_to_whoever_reads_replies_until_they_have_one(parts, live, dana, role):
    of_role(parts, dana, role)
    made = Browser(live, HTTPS)
    made.sign_in()
    led = {path: made.get(path).location for path in ("/", "/groups", "/flags", "/log", "/replies")}
    page = made.get(PAGE)

    assert set(led.values()) == {PAGE}
    assert page.status_code == 200
    assert 'href="/groups"' not in page.text
    assert "Sign out" in page.text
    _, codes = made.set_up(parts)
    assert (len(codes), made.get("/groups").status_code) == (10, 200)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.ONCALL])
def test_live_others_may_do_without(parts, live, dana, role):
    of_role(parts, dana, role)
    made = Browser(live, HTTPS)
    made.sign_in()

    assert made.is_in()


def test_live_the_last_one_stays(parts, live, dana):
    made = Browser(live, HTTPS)
    made.sign_in()
    made.set_up(parts)
    with parts.read_db() as db:
        key = str(db.scalars(select(SecondFactor.id)).one())
    answer = made.post(f"{PAGE}/remove", factor=key)

    assert answer.status_code == 422
    assert "Add another first" in answer.text


def test_whose_factors_were_removed_on_the_host_sets_up_new_ones(parts, live, dana, clock_of_staff):
    made = Browser(live, HTTPS)
    made.sign_in()
    made.set_up(parts)
    with parts.open_db() as db:
        second_factor.remove_all(db, db.get_one(Staff, dana), clock_of_staff())
        sign_ins.end_all(db, dana, clock_of_staff())

    assert made.get("/groups").location.startswith("/sign-in")
    assert made.sign_in().location == "/"
    assert made.get("/").location == PAGE


def test_live_the_cookies_of_a_half_way_browser_are_bound_to_the_host(parts, live, dana, clock_of_staff):
    made = Browser(live, HTTPS)
    made.sign_in()
    made.set_up(parts)
    answer = Browser(live, HTTPS).sign_in()
    given = next(row for row in answer.headers.getlist("Set-Cookie") if "half-way" in row)

    assert given.startswith("__Host-half-way=")
    assert "Secure" in given
    assert "HttpOnly" in given


def test_in_practice_mode_it_is_offered_and_not_asked_for(browser):
    assert browser.get("/").status_code == 200
    assert f'href="{PAGE}"' in browser.get("/account").text


def test_the_checklist_says_how_many_lack_one(browser, parts):
    before = browser.get("/settings/providers").text
    browser.set_up(parts)

    assert "Still without it: 1 of 1" in before
    assert "Still without it" not in browser.get("/settings/providers").text
