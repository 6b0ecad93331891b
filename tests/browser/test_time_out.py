"""Left alone: the warning, and what was typed, with scripts and without."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EMAIL, PASSWORD, PATIENCE, complaints, never_sideways, walking
from tests.browser.test_every_page import SERIOUS, Axe

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

HOURS = "#f-reading_hours"


def warning_on(walk):
    """A page into which something was typed, thirteen minutes later."""
    walk.page.clock.install()
    walk.sign_in()
    walk.go("/settings")
    walk.page.fill(HOURS, "Mon-Thu 10-4")
    walk.page.clock.fast_forward("13:30")
    warning = walk.page.get_by_text("You will be signed out in 2 minutes.", exact=True)
    expect(warning).to_be_visible()
    return warning


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_two_minutes_before_the_end_a_quiet_warning_can_be_answered_by_keyboard(browser, product, width, scheme):
    with walking(browser, product, width, color_scheme=scheme) as walk:
        warning = warning_on(walk)
        broken = Axe().run(walk.page).response["violations"]
        never_sideways(walk.page)
        expect(walk.page.locator(HOURS)).to_be_focused()
        walk.page.locator(".skip").focus()
        walk.page.keyboard.press("Tab")
        expect(walk.page.get_by_role("button", name="Stay signed in")).to_be_focused()
        walk.page.keyboard.press("Enter")
        expect(warning).to_be_hidden()
        walk.page.clock.fast_forward("10:00")

        expect(walk.page.locator(HOURS)).to_have_value("Mon-Thu 10-4")
        assert [row["id"] for row in broken if row["impact"] in SERIOUS] == []
        assert complaints(walk) == []


def test_whoever_goes_on_typing_stays_signed_in(browser, product):
    with walking(browser, product) as walk:
        warning = warning_on(walk)
        walk.page.type(HOURS, "!")

        expect(warning).to_be_hidden()


def test_what_was_typed_before_the_end_is_there_after_signing_in_again(browser, product):
    with walking(browser, product) as walk:
        warning_on(walk)
        walk.page.clock.fast_forward("02:00")
        expect(walk.page.get_by_text("What you typed is kept.")).to_be_visible()
        sign_in_and_carry_on(walk)

        expect(walk.page.locator(HOURS)).to_have_value("Mon-Thu 10-4")
        assert complaints(walk) == []


def test_without_scripts_what_was_sent_too_late_is_carried_on_with_as_well(browser, product):
    with (
        walking(browser, product) as other,
        walking(browser, product, 390, java_script_enabled=False) as walk,
    ):
        walk.sign_in()
        walk.go("/settings")
        walk.page.fill(HOURS, "Mon-Wed 11-3")
        other.sign_in()
        other.go("/account")
        other.press("End all others")
        walk.press("Save")
        expect(walk.page.get_by_text("What you typed is kept.")).to_be_visible()
        sign_in_and_carry_on(walk)

        expect(walk.page.locator(HOURS)).to_have_value("Mon-Wed 11-3")


def sign_in_and_carry_on(walk):
    walk.fill(email=EMAIL, password=PASSWORD)
    walk.press("Sign in")
    expect(walk.page.get_by_role("heading", name="What you typed is still here")).to_be_visible()
    never_sideways(walk.page)
    walk.press("Carry on")
    expect(walk.page.get_by_text("Saved.")).to_be_visible()
