"""A browser of staff whose sign-in has a second step."""

import re
from dataclasses import replace

import pyotp
import pytest
from sqlalchemy import select

from service.flows import staffing
from service.models import SecondFactor
from service.models.practice import Role
from tests.builders import NOW
from tests.stopped_clock import StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN

PAGE = "/account/second-factor"
CODES = re.compile(r"<li><code>([0-9A-Z ]{14})</code></li>")


@pytest.fixture
def clock_of_staff():
    return StoppedClock()


@pytest.fixture
def parts(parts, clock_of_staff):
    return replace(parts, machine_clock=clock_of_staff)


class Browser:
    """One that takes each form's token from the page before it, and knows its own host."""

    def __init__(self, app, base=None):
        self.client, self.base = app.test_client(), {"base_url": base} if base else {}

    def get(self, path, **named):
        return self.client.get(path, **self.base, **named)

    def post(self, path, **form):
        token = TOKEN.search(self.get("/sign-in", follow_redirects=True).text)[1]
        headers = {"Referer": self.base["base_url"] + "/"} if self.base else {}
        return self.client.post(path, data={"csrf_token": token, **form}, headers=headers, **self.base)

    def sign_in(self, **more):
        return self.post("/sign-in", email=EMAIL, password=PASSWORD, **more)

    def is_in(self):
        return self.get("/flags").status_code == 200

    def set_up(self, parts, at=NOW):
        self.post(f"{PAGE}/app")
        with parts.read_db() as db:
            seed = db.scalars(select(SecondFactor).where(SecondFactor.confirmed_at.is_(None))).one().seed
        page = self.post(f"{PAGE}/app/confirm", code=pyotp.TOTP(seed).at(at), label="Work phone")
        return seed, CODES.findall(page.text)


@pytest.fixture
def dana(parts):
    with parts.open_db() as db:
        return staffing.add_staff(db, EMAIL, "Dana", Role.ADMIN, NOW, PASSWORD).id


@pytest.fixture
def browser(app, dana):
    made = Browser(app)
    made.sign_in()
    return made


@pytest.fixture
def seed(parts, browser, clock_of_staff):
    """The seed of an app that is set up; the code that confirmed it is over."""
    made, _ = browser.set_up(parts)
    clock_of_staff.go(minutes=1)
    return made
