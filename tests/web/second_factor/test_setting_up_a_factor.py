"""Setting up a second factor, and removing it."""

import logging
import re

import pyotp
import pytest
from sqlalchemy import select

from service.flows import second_factor, staffing
from service.models import AuditEntry, SecondFactor
from service.models.practice import Role
from service.models.second_factors import Factor
from tests.builders import NOW
from tests.web.conftest import PASSWORD
from tests.web.second_factor.conftest import CODES, PAGE, Browser

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_an_app_is_set_up_with_a_picture_a_typed_key_and_a_code(parts, browser):
    begun = browser.post(f"{PAGE}/app")
    page = browser.get(f"{PAGE}/app").text
    with parts.read_db() as db:
        seed = db.scalars(select(SecondFactor)).one().seed
    typed = " ".join(seed[at : at + 4] for at in range(0, 32, 4))

    assert (begun.status_code, begun.location) == (302, f"{PAGE}/app")
    assert "data:image/svg+xml" in page
    assert typed in page


def test_ten_recovery_codes_are_shown_once(parts, browser):
    _, codes = browser.set_up(parts)

    assert len(codes) == 10
    assert not CODES.search(browser.get(PAGE).text)
    assert "10 of 10 left" in browser.get(PAGE).text


def test_the_seed_is_in_no_page_log_or_audit_entry_once_it_is_set_up(parts, browser, caplog):
    caplog.set_level(logging.DEBUG)
    seed, codes = browser.set_up(parts)
    pages = "".join(browser.get(path, follow_redirects=True).text for path in (PAGE, f"{PAGE}/app", f"{PAGE}/passkey"))
    with parts.read_db() as db:
        entries = repr([vars(row) for row in db.scalars(select(AuditEntry))])
    told = pages + entries + "".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    fours = " ".join(seed[at : at + 4] for at in range(0, 32, 4))

    assert [one for one in (seed, fours, *codes) if one in told] == []


def test_looking_at_a_set_up_that_was_not_begun_leads_back(browser):
    assert browser.get(f"{PAGE}/app").location == PAGE
    assert browser.get(f"{PAGE}/passkey").location == PAGE


def test_a_wrong_first_code_is_said_at_its_field_and_the_picture_stays(parts, browser):
    browser.post(f"{PAGE}/app")
    before = browser.get(f"{PAGE}/app").text
    answer = browser.post(f"{PAGE}/app/confirm", code="000000x")

    assert answer.status_code == 422
    assert 'id="f-code-error"' in answer.text
    assert re.search(r'src="(data:[^"]+)"', answer.text)[1] in before


def test_a_set_up_lasts_ten_minutes(parts, browser, clock_of_staff):
    browser.post(f"{PAGE}/app")
    clock_of_staff.go(minutes=10)
    answer = browser.post(f"{PAGE}/app/confirm", code="123456")

    assert (answer.status_code, answer.location) == (302, PAGE)


def test_setting_one_up_signs_every_other_browser_out_and_gives_this_one_a_new_cookie(parts, app, browser):
    other = Browser(app)
    other.sign_in()
    before = browser.client.get_cookie("staff").value
    browser.set_up(parts)
    thief = Browser(app)
    thief.client.set_cookie("staff", before)

    assert (browser.is_in(), other.is_in(), thief.is_in()) == (True, False, False)


def test_a_name_that_is_too_long_does_not_use_the_code_up(parts, browser):
    browser.post(f"{PAGE}/app")
    with parts.read_db() as db:
        seed = db.scalars(select(SecondFactor)).one().seed
    now = pyotp.TOTP(seed).at(NOW)

    assert browser.post(f"{PAGE}/app/confirm", code=now, label="x" * 41).status_code == 422
    assert browser.post(f"{PAGE}/app/confirm", code=now, label="phone").status_code == 200


@pytest.mark.parametrize("path", ["/app", "/passkey", "/remove", "/codes"])
def test_whoever_signed_in_a_while_ago_gives_their_password_first(parts, browser, seed, clock_of_staff, path):
    with parts.read_db() as db:
        key = str(db.scalars(select(SecondFactor.id)).one())
    clock_of_staff.go(minutes=11)
    asked = browser.post(PAGE + path, factor=key)
    wrong = browser.post(PAGE + path, factor=key, proof_password="another long password")
    right = browser.post(PAGE + path, factor=key, proof_password=PASSWORD)

    assert (asked.status_code, wrong.status_code) == (401, 401)
    assert right.status_code in {200, 302}


def test_a_factor_is_removed_and_the_password_alone_signs_in_again(parts, app, browser, seed):
    with parts.read_db() as db:
        key = str(db.scalars(select(SecondFactor.id)).one())
    browser.post(f"{PAGE}/remove", factor=key)
    other = Browser(app)

    assert other.sign_in().location == "/"
    assert browser.is_in()


@pytest.mark.parametrize("key", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_factor_that_is_not_there_is_not_removed(browser, seed, key):
    assert browser.post(f"{PAGE}/remove", factor=key).location == PAGE


def test_nobody_removes_anothers_factor(parts, browser):
    with parts.open_db() as db:
        other = staffing.add_staff(db, "lee@oak.example.org", "Lee", Role.ADMIN, NOW, PASSWORD)
        second_factor.begin(db, other.id, Factor.APP, NOW)
        made = second_factor.in_setup(db, other.id, Factor.APP, NOW)
        second_factor.confirm(db, made, other, "", NOW)
    browser.post(f"{PAGE}/remove", factor=str(made.id))

    with parts.read_db() as db:
        assert second_factor.has_any(db, other.id)


def test_a_passkey_is_offered_where_browsers_make_one(app, dana):
    """At localhost, or with https and a name."""
    here, by_number = Browser(app, "http://localhost:8000"), Browser(app, "http://127.0.0.1:8000")
    for made in (here, by_number):
        made.sign_in()

    assert "Set up a passkey" in here.get(PAGE).text
    assert "Set up a passkey" not in by_number.get(PAGE).text
    assert "http://localhost:8000" in by_number.get(PAGE).text


@pytest.mark.parametrize(
    "garbage", ["", "x", "{}", '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {}}']
)
def test_what_is_no_passkey_is_not_kept(parts, browser, garbage):
    browser.post(f"{PAGE}/passkey")
    answer = browser.post(f"{PAGE}/passkey/confirm", credential=garbage)

    assert answer.status_code == 422
    with parts.read_db() as db:
        assert not db.scalars(select(SecondFactor).where(SecondFactor.confirmed_at.is_not(None))).all()
