"""Signing in and out, and what ends or slows it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.app import create_app
from service.flows.check_password import begin_without, end_without
from service.models import SignIn, SignInTry, Staff
from service.models.sealed import index_of
from service.rules import slowing
from tests.builders import NOW
from tests.web.conftest import EMAIL, PASSWORD, TOKEN
from tests.web.signing_in.conftest import add_staff, is_in, post, sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_the_right_password_opens_and_the_cookie_is_out_of_reach_of_scripts(parts, client):
    add_staff(parts)
    answer = sign_in(client)
    cookie = next(cookie for cookie in answer.headers.getlist("Set-Cookie") if cookie.startswith("staff="))

    assert is_in(client)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(parts):
    add_staff(parts)
    https = create_app(replace(parts, settings=replace(parts.settings, public_url="https://groups.example.org")))
    client = https.test_client()
    page = client.get("/sign-in", base_url="https://groups.example.org")
    form = {"csrf_token": TOKEN.search(page.text)[1], "email": EMAIL, "password": PASSWORD}
    answer = client.post("/sign-in", data=form, base_url="https://groups.example.org")
    cookie = next(cookie for cookie in answer.headers.getlist("Set-Cookie") if "staff=" in cookie)

    assert cookie.startswith("__Host-staff=")
    assert "Secure" in cookie


def test_an_address_is_read_in_any_case_and_with_spaces(parts, client):
    add_staff(parts)

    assert sign_in(client, email=f" {EMAIL.upper()} ").status_code == 302


def test_the_wrong_password_and_the_unknown_address_are_told_apart_by_nobody(parts, client):
    add_staff(parts)
    wrong, unknown = sign_in(client, "another long password"), sign_in(client, email="eve@example.org")

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "The email or the password is wrong." in wrong.text
    assert "The email or the password is wrong." in unknown.text


def test_an_account_without_a_password_lets_nobody_in(parts, client):
    add_staff(parts, password=None)

    assert sign_in(client, "").status_code == 401


def test_ten_wrong_passwords_close_the_account_for_a_while(parts, client, clock_of_staff):
    add_staff(parts)
    tries = [sign_in(client, "another long password").status_code for _ in range(10)]
    closed = sign_in(client)
    clock_of_staff.go(minutes=1, seconds=1)

    assert tries == [401] * 10
    assert (closed.status_code, "Too many tries" in closed.text) == (429, True)
    assert sign_in(client).status_code == 302


@pytest.mark.parametrize(("proxies", "network"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.7")])
def test_where_a_try_comes_from_is_said_by_our_own_proxies_and_by_nobody_else(parts, proxies, network):
    add_staff(parts)
    app = create_app(replace(parts, settings=replace(parts.settings, trusted_proxies=proxies)))
    client = app.test_client()
    form = {"csrf_token": TOKEN.search(client.get("/sign-in").text)[1], "email": EMAIL, "password": "wrong wrong"}
    client.post("/sign-in", data=form, headers={"X-Forwarded-For": "10.9.9.9, 198.51.100.7, 203.0.113.9"})

    with parts.read_db() as db:
        assert db.scalars(select(SignInTry.network_index)).all() == [index_of("network", network)]


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "http:evil",
        "",
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(parts, client, back):
    add_staff(parts)

    assert sign_in(client, next=back).location == "/"


def test_after_signing_in_one_is_where_one_wanted_to_be(parts, client):
    add_staff(parts)

    assert client.get("/log").location == "/sign-in?next=/log"
    assert sign_in(client, next="/log?show=failed").location == "/log?show=failed"


def test_signing_out_ends_it_also_for_a_copied_cookie(parts, client, app):
    add_staff(parts)
    sign_in(client)
    thief = app.test_client()
    thief.set_cookie("staff", client.get_cookie("staff").value)
    stolen = is_in(thief)
    answer = client.post("/sign-out", data={"csrf_token": TOKEN.search(client.get("/").text)[1]})

    assert (stolen, is_in(thief), is_in(client)) == (True, False, False)
    assert "Clear-Site-Data" in answer.headers


@pytest.mark.parametrize("gone", [timedelta(minutes=15, seconds=1), timedelta(hours=12, seconds=1)])
def test_a_sign_in_ends_when_nobody_uses_it(parts, client, clock_of_staff, gone):
    add_staff(parts)
    sign_in(client)
    clock_of_staff.moment += gone

    assert not is_in(client)


def test_a_sign_in_ends_after_twelve_hours_though_it_is_used(parts, client, clock_of_staff):
    add_staff(parts)
    sign_in(client)
    used = [clock_of_staff.go(minutes=14) and is_in(client) for _ in range(52)]

    assert used == [True] * 51 + [False]


def test_who_left_the_staff_is_out_at_once(parts, client):
    key = add_staff(parts)
    sign_in(client)
    with parts.open_db() as db:
        db.get_one(Staff, key).disabled_at = NOW

    assert not is_in(client)
    assert sign_in(client).status_code == 401


def test_every_sign_in_has_a_token_of_its_own_of_which_the_hash_is_kept(parts, client):
    add_staff(parts)
    sign_in(client)
    first = client.get_cookie("staff").value
    sign_in(client)

    assert client.get_cookie("staff").value != first
    with parts.read_db() as db:
        assert first.encode() not in [row.token_hash for row in db.scalars(select(SignIn))]


def begin_with_passkey(client, address="192.0.2.7"):
    return post(client, "/sign-in/passkey", {}, environ_base={"REMOTE_ADDR": address})


def test_passkeys_without_a_name_are_begun_a_hundred_times_an_hour_from_one_network(
    parts, client, clock_of_staff, monkeypatch
):
    monkeypatch.setattr(slowing, "FROM_ONE_NETWORK", 5)
    add_staff(parts)
    codes = [begin_with_passkey(client).status_code for _ in range(6)]
    closed = begin_with_passkey(client)
    assert codes == [302] * 5 + [429]
    assert "Too many tries. Wait 60 minutes, or ask an administrator." in closed.text
    assert "half-way" not in closed.headers.get("Set-Cookie", "")
    assert begin_with_passkey(client, "198.51.100.1").status_code == 302

    clock_of_staff.go(minutes=61)
    assert begin_with_passkey(client).status_code == 302


def test_passkeys_and_passwords_do_not_wait_for_each_other(parts, client, monkeypatch):
    monkeypatch.setattr(slowing, "FROM_ONE_NETWORK", 5)
    add_staff(parts)
    for _ in range(6):
        sign_in(client, "wrong", "nobody@oak.example.org")
    assert (sign_in(client).status_code, begin_with_passkey(client, "127.0.0.1").status_code) == (429, 302)

    for _ in range(6):
        begin_with_passkey(client)
    right = {"email": EMAIL, "password": PASSWORD}
    assert post(client, "/sign-in", right, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 302


def test_a_passkey_that_was_right_takes_back_what_was_begun(parts):
    with parts.open_db() as db:
        for _ in range(5):
            assert begin_without(db, "192.0.2.7", NOW) == ""
        begin_without(db, "198.51.100.1", NOW)
        end_without(db, "192.0.2.7")

        assert len(db.scalars(select(SignInTry)).all()) == 1
