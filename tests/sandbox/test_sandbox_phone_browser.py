"""The on-screen phone in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

ALICE, ANN = "+12025550143", "ann@example.sandbox.test"
PATHS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser, sandbox) -> Iterator[Page]:
    """A page on which nothing may be blocked, broken, or fetched from elsewhere."""
    opened = browser.new_page(base_url=sandbox.url, viewport={"width": 1280, "height": 800})
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("request", lambda asked: None if asked.url.startswith(sandbox.url) else trouble.append(asked.url))
    yield opened
    opened.close()
    assert trouble == []


def test_a_text_appears_without_a_reload(page, sandbox, text):
    page.goto("/")
    page.get_by_text("Nobody has been messaged yet").wait_for()
    text(body="Your group meets tomorrow.")

    page.get_by_role("link", name="Phone ending 43").click()
    page.get_by_role("log").get_by_text("Your group meets tomorrow.").wait_for()


def test_an_answer_goes_out_without_a_reload(page, sandbox, text, app):
    text()
    page.goto("/?with=%2B12025550143")
    page.evaluate("window.stayed = true")
    page.get_by_label("Your reply").fill("On my way")
    page.get_by_label("Your reply").press("Enter")
    page.get_by_role("log").get_by_text("On my way").wait_for()
    page.get_by_role("button", name="STOP").click()
    page.get_by_role("log").get_by_text("successfully been unsubscribed").wait_for()
    sandbox.advance(0)

    assert page.evaluate("window.stayed")
    assert page.get_by_label("Your reply").input_value() == ""
    assert [call.form["Body"] for call in app.heard("/inbound")] == ["On my way", "STOP"]


def test_everything_works_with_scripts_off(browser, sandbox, text, app):
    text()
    with browser.new_context(java_script_enabled=False, base_url=sandbox.url) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("link", name="Phone ending 43").click()
        page.get_by_role("button", name="C", exact=True).click()
        page.get_by_role("log").get_by_text("C", exact=True).wait_for()
    sandbox.advance(0)

    assert [call.form["Body"] for call in app.heard("/inbound")] == ["C"]


def test_an_open_letter_stays_open_when_news_arrive(page, sandbox, mail):
    parts = [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p style='color:green'>Hi</p>"}]
    mail(content=parts)
    page.goto("/?with=ann%40example.sandbox.test")
    page.get_by_text("Show as HTML").click()
    page.frame_locator("iframe").get_by_text("Hi").wait_for()
    sandbox.settle()
    page.get_by_text("Delivered").wait_for()

    assert page.get_by_text("Hi", exact=True).count() == 0  # it is in the frame, not on the page
    page.frame_locator("iframe").get_by_text("Hi").wait_for()


def test_a_number_that_nobody_knows_can_text(page, sandbox):
    page.goto("/")
    page.get_by_text("Text from a new number").click()
    page.get_by_label("Number").fill("+12025550199")
    page.get_by_label("Message").fill("Is there still a place?")
    page.get_by_role("button", name="Send text").click()

    page.get_by_role("heading", name="Phone ending 99").wait_for()
    page.get_by_role("log").get_by_text("Is there still a place?").wait_for()


def test_a_script_can_be_chosen_for_a_person(page, sandbox, text):
    text()
    page.goto("/?with=%2B12025550143")
    page.get_by_label("How this person answers").select_option("Always C")
    page.wait_for_function("document.getElementById('script').value === 'coming'")
    sandbox.settle()
    page.get_by_role("log").get_by_text("C", exact=True).wait_for()

    assert sandbox.box.world.people.behaviour_of(ALICE).words == "C"


@pytest.mark.parametrize("width", [390, 320])
def test_a_small_screen_shows_one_thing_at_a_time_and_never_scrolls_sideways(page, text, mail, width):
    text(body="https://practice.example/" + "x" * 200)
    page.set_viewport_size({"width": width, "height": 700})
    page.goto("/")
    assert not page.get_by_role("main").is_visible()
    page.get_by_role("link", name="Phone ending 43").click()
    page.get_by_role("log").wait_for()

    assert not page.get_by_role("navigation").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("link", name="All people").click()
    page.get_by_role("navigation").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_finds_its_way(page, text, mail, scheme):
    from axe_playwright_python.sync_playwright import Axe

    text()
    mail()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for path in ("/", "/?with=%2B12025550143", "/?with=ann%40example.sandbox.test"):
        page.goto(path)
        found = Axe().run(page).response["violations"]

        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def test_whoever_comes_by_no_link_sees_the_clock_of_their_own_browser(browser, sandbox, text):
    sandbox.post("reset", {"now": "2027-01-05T02:30:00Z", "rate": 0})
    text()
    with browser.new_context(base_url=sandbox.url, timezone_id="America/Los_Angeles") as context:
        page = context.new_page()
        page.goto("/?with=%2B12025550143")
        page.get_by_text("18:30 Los Angeles time").wait_for()
        page.get_by_role("log").get_by_text("Monday 4 January").wait_for()
        page.goto("/?zone=America/New_York")
        page.get_by_text("21:30 New York time").wait_for()
        page.goto("/")
        page.get_by_text("21:30 New York time").wait_for()
