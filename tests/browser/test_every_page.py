"""Every page, wide and light, narrow and dark: readable by everybody, at home on its host, and without complaints."""

import urllib.request
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from twilio.request_validator import RequestValidator

from tests.browser.conftest import PATIENCE, Product, complaints, never_sideways, walking

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

SERIOUS = ("serious", "critical")
PAGES = (
    *("/", "/groups", "/groups/new", "/members", "/replies", "/replies?show=handled", "/log", "/log?show=waiting"),
    *("/queue", "/flags", "/on-call"),
)
MORE_PAGES = (
    "/data-quality",
    *("/settings/providers", "/account", "/kept"),
    "/account/second-factor",
    *("/templates", "/templates/checkin_0_10", "/queue?as_of=2027-01-06T17:59", "/settings"),
    *("/nowhere", "/me/stale", "/password/stale"),
)


@pytest.fixture(scope="session")
def furnished(product, browser):
    """The product with a group, a member who was invited, one who is on record, and a text that needs a person."""
    with walking(browser, product) as walk:
        walk.sign_in()
        walk.new_group("A group to look at", "2027-01-07")
        expect(walk.page.get_by_text("Thu Jan 7 2027")).to_be_visible()
        walk.press("Create group")
        walk.fill(pasted="Eve Long, 202-555-0161\nFay Moss, 202-555-0162, fay@example.org")
        walk.press("Add")
        walk.page.check("#f-purpose_reminder")
        walk.press("Invite")
        text(product, "+12025550161", "START")
        text(product, "+12025550163", "I want to die")
        group = walk.page.url.removeprefix(product.url).removesuffix("/members")
        links = []
        for page, kind in ((group, "/sessions/"), ("/members", "/members/"), ("/flags", "/flags/")):
            walk.go(page)
            links.append(walk.page.locator(f"main a[href^='{kind}']").first.get_attribute("href"))
    written = [*(f"{path}/message" for path in (group, *links)), f"{group}/week"]
    return [*PAGES, group, f"{group}/members", f"{group}/messages", *links, *written, *MORE_PAGES]


def text(product: Product, sender: str, words: str) -> None:
    """As if by the provider, signed."""
    url = f"{product.url}/webhooks/twilio/inbound"
    form = {"MessageSid": f"SM{sender}", "From": sender, "Body": words}
    signature = RequestValidator("12345").compute_signature(url, form)
    asked = urllib.request.Request(url, urlencode(form).encode(), {"X-Twilio-Signature": signature})
    urllib.request.urlopen(asked, timeout=30).close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_can_be_used_by_everybody(browser, product, furnished, width, scheme):
    axe, found = Axe(), {}
    with walking(browser, product, width, color_scheme=scheme) as walk:
        for path in ("/sign-in", *furnished):
            if path == furnished[0]:
                walk.sign_in()
            walk.go(path)
            never_sideways(walk.page)
            broken = axe.run(walk.page).response["violations"]
            if serious := [row["id"] for row in broken if row["impact"] in SERIOUS]:
                found[path] = serious

    assert found == {}
    assert complaints(walk) == []
    assert walk.hosts == {product.url[7:]}


def test_distress_is_red_on_the_home_page(browser, product, furnished):
    with walking(browser, product) as walk:
        walk.sign_in()

        expect(walk.page.locator(".band").get_by_text("needs a person now").first).to_be_visible()


def test_a_step_that_cannot_be_undone_is_asked_about(browser, product, furnished):
    members = next(path for path in furnished if path.endswith("/members") and path.startswith("/groups/"))
    with walking(browser, product) as walk:
        walk.sign_in()
        walk.go(members)
        walk.page.get_by_text("Leave or away").first.click()
        walk.page.get_by_role("button", name="Leaves the group").first.click()
        expect(walk.page.get_by_role("dialog")).to_be_visible()
        walk.page.get_by_role("button", name="Go back").click()

        expect(walk.page.get_by_role("link", name="Eve Long")).to_be_visible()
