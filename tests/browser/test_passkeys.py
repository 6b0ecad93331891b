"""A passkey is made and shown in a real browser, whose authenticator is Chromium's virtual one."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, ROOT, complaints, never_sideways, walking

pytestmark = pytest.mark.browser

EMAIL = "pat@example.org"
HERE = "/account/second-factor"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def command(product, *arguments, check=True):
    environ = {**os.environ, "DATA_DIR": str(product.log.parent / "var"), "PORT": product.url.rpartition(":")[2]}
    ran = subprocess.run(
        [sys.executable, "-m", "service", "staff", *arguments, "--email", EMAIL],
        cwd=ROOT,
        env=environ,
        check=check,
        capture_output=True,
        text=True,
    )
    return ran.stdout


@pytest.fixture
def pat(product, browser):
    """Somebody of their own, so that nobody else is asked for what they set up."""
    if "removed" in command(product, "remove-factors", check=False):
        return
    link = command(product, "add", "--name", "Pat", "--role", "admin").strip()
    with walking(browser, product) as walk:
        walk.page.goto(link)
        walk.fill(password=PASSWORD)
        walk.press("Save and sign in")


@contextmanager
def with_authenticator(browser, product, **options):
    """At localhost: browsers make no passkeys for a bare IP address."""
    with walking(browser, product, **options) as walk:
        session = walk.page.context.new_cdp_session(walk.page)
        session.send("WebAuthn.enable")
        added = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        walk.authenticator = added["authenticatorId"]
        walk.session, walk.at = session, product.url.replace("127.0.0.1", "localhost")
        yield walk


def sign_in(walk):
    walk.page.goto(f"{walk.at}/sign-in")
    walk.fill(email=EMAIL, password=PASSWORD)
    walk.press("Sign in")


def test_a_passkey_is_made_asked_for_and_opens(browser, product, pat):
    with with_authenticator(browser, product) as walk:
        sign_in(walk)
        walk.page.goto(walk.at + HERE)
        walk.press("Set up a passkey")
        walk.fill(label="Laptop")
        walk.press("Make the passkey")
        expect(walk.page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        assert len(walk.page.locator(".codes li").all()) == 10
        walk.page.goto(walk.at + HERE)
        expect(walk.page.get_by_text("Laptop")).to_be_visible()

        walk.page.context.clear_cookies()
        sign_in(walk)
        expect(walk.page).to_have_url(re.compile("/sign-in/second"))
        look(walk)
        with walk.page.expect_request("**/sign-in/second/passkey") as shown:
            walk.press("Use your passkey")
        expect(walk.page.get_by_role("heading", name="Today")).to_be_visible()

        # what was signed once opens nothing more
        walk.page.context.clear_cookies()
        sign_in(walk)
        told = parse_qs(shown.value.post_data)["credential"][0]
        walk.page.evaluate(
            "told => { const form = document.querySelector('form[data-passkey]');"
            " form.elements.credential.value = told; form.requestSubmit(); }",
            told,
        )
        expect(walk.page.get_by_text("The passkey was not taken.")).to_be_visible()

        # a device that has none says so
        walk.session.send("WebAuthn.clearCredentials", {"authenticatorId": walk.authenticator})
        walk.press("Use your passkey")
        expect(walk.page.get_by_text("Nothing came of it")).to_be_visible(timeout=70_000)
        assert complaints(walk) == []


def test_a_passkey_opens_without_the_password_to_whom_the_device_knows(browser, product, pat):
    with with_authenticator(browser, product) as walk:
        sign_in(walk)
        walk.page.goto(walk.at + HERE)
        walk.press("Set up a passkey")
        walk.press("Make the passkey")
        expect(walk.page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        walk.page.context.clear_cookies()
        walk.page.goto(f"{walk.at}/sign-in")
        walk.press("Sign in with a passkey")
        look(walk)
        told = {"authenticatorId": walk.authenticator, "isUserVerified": False}
        walk.session.send("WebAuthn.setUserVerified", told)
        walk.press("Use your passkey")
        expect(walk.page.get_by_text("Nothing came of it")).to_be_visible(timeout=70_000)
        walk.session.send("WebAuthn.setUserVerified", {**told, "isUserVerified": True})
        walk.press("Use your passkey")
        expect(walk.page.get_by_role("heading", name="Today")).to_be_visible()


def test_without_scripts_a_recovery_code_opens(browser, product, pat):
    with with_authenticator(browser, product) as walk:
        sign_in(walk)
        walk.page.goto(walk.at + HERE)
        walk.press("Set up a passkey")
        walk.press("Make the passkey")
        code = walk.page.locator(".codes li").first.inner_text()
    with walking(browser, product, 390, java_script_enabled=False) as walk:
        walk.at = product.url.replace("127.0.0.1", "localhost")
        sign_in(walk)
        expect(walk.page.get_by_text("Your passkey needs scripts")).to_be_visible()
        walk.page.get_by_text("Use a recovery code").click()
        walk.fill(recovery=code)
        walk.press("Sign in with it")
        expect(walk.page.get_by_text("9 recovery codes are left")).to_be_visible()


def look(walk):
    never_sideways(walk.page)
    broken = Axe().run(walk.page).response["violations"]
    assert [row["id"] for row in broken if row["impact"] in ("serious", "critical")] == []
