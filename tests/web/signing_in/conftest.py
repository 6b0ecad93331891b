"""A browser that signs in as a person does."""

from dataclasses import replace

import pytest

from service.flows import staffing
from service.models.practice import Role
from tests.builders import NOW
from tests.stopped_clock import StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN


@pytest.fixture
def clock_of_staff(parts):
    return StoppedClock()


@pytest.fixture
def parts(parts, clock_of_staff):
    return replace(parts, machine_clock=clock_of_staff)


def post(client, path, form, **named):
    """As a browser does: the page first, for its token."""
    token = TOKEN.search(client.get("/sign-in", follow_redirects=True).text)
    return client.post(path, data={"csrf_token": token[1], **form}, **named)


def add_staff(parts, password=PASSWORD, email=EMAIL):
    with parts.open_db() as db:
        return staffing.add_staff(db, email, "Dana", Role.ADMIN, NOW, password).id


def sign_in(client, password=PASSWORD, email=EMAIL, **more):
    return post(client, "/sign-in", {"email": email, "password": password, **more})


def is_in(client):
    return client.get("/").status_code == 200
