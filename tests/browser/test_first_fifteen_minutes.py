"""The path that a newcomer walks without reading anything, from the first page to the answer of a member."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, Walk, complaints, never_sideways, walking, watch

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

IN_TWO_DAYS = "2027-01-06"


def add_three_and_invite(walk: Walk, first: int) -> None:
    walk.fill(
        pasted=f"Ana Diaz, 202-555-01{first}, ana@example.org\n"
        f"Ben Cole, 20255501{first + 1}\nCleo Park, (202) 555-01{first + 2}"
    )
    walk.press("Add")
    expect(walk.page.get_by_text("3 members added")).to_be_visible()
    for purpose in ("reminder", "reflection", "checkin"):
        walk.page.check(f"#f-purpose_{purpose}")
    walk.press("Invite")
    expect(walk.page.get_by_text("3 invitations on the way")).to_be_visible()


def phone_of(walk: Walk, ending: int) -> Page:
    phone = walk.page.context.new_page()
    watch(walk, phone)
    phone.goto(walk.product.phone)
    phone.get_by_text(f"Phone ending {ending}").first.click()
    return phone


def text(phone: Page, words: str) -> None:
    phone.get_by_role("button", name=words, exact=True).click()


def on_phone(phone: Page, words: str) -> None:
    expect(phone.locator("main").get_by_text(words).last).to_be_visible()


@pytest.mark.parametrize(("width", "first"), [(1280, 43), (390, 53)])
def test_a_newcomer_reaches_a_members_answer(browser, product, width, first):
    name = f"Trauma recovery at {width}"
    with walking(browser, product, width) as walk:
        walk.sign_in()
        walk.new_group(name, IN_TWO_DAYS)
        expect(walk.page.get_by_text("Wed Jan 6 2027")).to_be_visible()
        never_sideways(walk.page)
        walk.press("Create group")
        add_three_and_invite(walk, first)
        never_sideways(walk.page)

        phone = phone_of(walk, first)
        on_phone(phone, "Reply START to agree")
        text(phone, "START")
        on_phone(phone, "You will get appointment texts")
        on_phone(phone, "Reminder of your appointment Wed Jan 6 at 6:00 PM")
        text(phone, "C")
        on_phone(phone, "See you Wed Jan 6")
        never_sideways(phone)

        walk.go("/")
        walk.page.get_by_role("link", name=name).first.click()
        ana = walk.page.get_by_role("listitem").filter(has_text="Ana Diaz")
        expect(ana.locator(".tag", has_text="Coming").first).to_be_visible()
        never_sideways(walk.page)
        for asks in ("Reminder", "Same-day reminder"):
            assert "Waiting" not in " ".join(ana.locator("p", has_text=asks).all_text_contents())
        assert complaints(walk) == []
        assert walk.hosts == {product.url[7:], product.phone[7:]}


def test_the_main_path_works_without_scripts(browser, product):
    with walking(browser, product, java_script_enabled=False) as walk:
        walk.sign_in()
        walk.new_group("Grief, without scripts", IN_TWO_DAYS)
        walk.press("Create group")
        expect(walk.page.get_by_text("Wed Jan 6 2027")).to_be_visible()
        walk.press("Create group")
        walk.fill(pasted="Dee Ito, 202-555-0147")
        walk.press("Add")
        expect(walk.page.get_by_text("1 member added")).to_be_visible()
        walk.page.check("#f-purpose_reminder")
        walk.press("Invite")

        expect(walk.page.get_by_text("1 invitation on the way")).to_be_visible()
