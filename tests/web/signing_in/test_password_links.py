"""The links that set a password."""

import pytest

from service.flows import staffing
from service.models import Staff
from tests.builders import NOW
from tests.web.conftest import PASSWORD, TOKEN
from tests.web.signing_in.conftest import add_staff, is_in, post, sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def link(parts):
    key = add_staff(parts, password=None)
    with parts.open_db() as db:
        return f"/password/{staffing.password_link(db, db.get_one(Staff, key), NOW)}"


def test_a_password_link_sets_the_password_and_signs_in(parts, client):
    path = link(parts)
    answer = post(client, path, {"password": PASSWORD})

    assert (answer.location, is_in(client)) == ("/", True)


def test_a_password_link_works_once(parts, client):
    path = link(parts)
    post(client, path, {"password": PASSWORD})

    assert client.get(path).status_code == 404
    assert client.post(path, data={"csrf_token": TOKEN.search(client.get("/").text)[1]}).status_code == 404


def test_a_password_link_is_gone_after_an_hour(parts, client, clock_of_staff):
    path = link(parts)
    clock_of_staff.go(minutes=61)

    assert client.get(path).status_code == 404


def test_a_bad_password_does_not_use_the_link_up(parts, client):
    path = link(parts)

    assert post(client, path, {"password": "short"}).status_code == 422
    assert post(client, path, {"password": PASSWORD}).status_code == 302


def test_a_new_password_signs_every_other_browser_out(parts, client, app):
    key = add_staff(parts)
    other = app.test_client()
    sign_in(other)
    with parts.open_db() as db:
        token = staffing.password_link(db, db.get_one(Staff, key), NOW)
    post(client, f"/password/{token}", {"password": "eight loud green rivers"})

    assert not is_in(other)
