"""The first account, signing in and out, and the links that set a password."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.app import create_app
from service.flows import staffing
from service.flows.check_password import begin_without, end_without
from service.models import Practice, SignIn, SignInTry, Staff
from service.models.practice import Role
from service.models.sealed import index_of
from service.rules import slowing
from tests import builders
from tests.builders import NOW, StoppedClock
from tests.web.conftest import EMAIL, PASSWORD, TOKEN
from tests.web.made_groups import has_error_at

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


def staff_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Staff)).all()


# the first account


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


# signing in


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


# links that set a password


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
