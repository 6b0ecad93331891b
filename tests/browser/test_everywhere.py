"""Every page without scripts, by the keyboard alone, and full of attacks."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, complaints, running_product, walking
from tests.browser.everywhere import app_map, by_tab, furnish, pages_of, tab_to, text

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

DEEDS = [
    ("/settings/retention", {"words": "11"}, ["Save"], "It is applied tonight"),
    ("{group}/message", {"words": "See you at the usual door."}, ["See who gets it"], "Who gets it"),
    ("{group}/safety", {}, ["Save"], "What is planned follows at once"),
    ("/replies", {}, ["Handled"], "Replies"),
    ("/log", {}, ["Filter"], "Log"),
    ("/queue", {}, ["Filter"], "Queue"),
    ("/templates/checkin_0_10", {}, ["Preview"], "As a member sees it"),
    ("{member}/consent", {}, ["Make a link"], "/opt-in/"),
    ("{group}/agreement", {}, ["Send 2 links"], "on the way"),
]
"""Where, what is filled in, what is pressed one after the other, and what then stands there."""
NEWEST = (
    *("/replies", "/queue", "/log", "/templates/", "/message", "/data-quality", "/flags", "/on-call", "/consent"),
    *("/week", "/safety", "/settings", "/trends", "/agreement", "/erase", "/sessions/"),
)
PAYLOAD = "<img src=x onerror=alert(1)>\"'><svg onload=alert(2)>"
FORMS = """() => [...document.forms].map((form, at) => ({ at, action: form.getAttribute("action") || location.pathname,
  method: form.method, fields: [...form.elements].filter((e) => e.name && !e.readOnly &&
    (e.tagName === "TEXTAREA" || ["text", "search", "tel", "email"].includes(e.type))).map((e) => e.name) }))"""
ATTACK = """([at, names, words]) => { const form = document.forms[at];
  for (const name of names) form.elements[name].value = words;
  form.noValidate = true; HTMLFormElement.prototype.submit.call(form); }"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return app_map(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="module")
def furnished(browser, tmp_path_factory):
    """A product of its own: what is done here must not stand in another test's way."""
    with running_product(tmp_path_factory.mktemp("walked")) as started:
        with walking(browser, started, java_script_enabled=False) as walk:
            walk.first_account()
            furnish(walk)
        yield started


@pytest.fixture
def pages(app, furnished):
    found = pages_of(app, furnished)
    assert len(found) >= 35
    return found


def places(pages):
    """Where the group and the member of the walk are."""
    return {
        "group": next(path for path in pages if path.startswith("/groups/") and path.endswith("/trends"))[:-7],
        "member": next(path for path in pages if path.endswith("/consent"))[:-8],
    }


def test_every_page_is_whole_without_scripts(browser, furnished, pages):
    broken = []
    with walking(browser, furnished, java_script_enabled=False) as walk:
        walk.sign_in()
        for path in pages:
            answer = walk.page.goto(furnished.url + path)
            if answer.status != 200 or not walk.page.locator("main h1").is_visible():
                broken.append((path, answer.status))

    assert broken == []
    assert walk.hosts == {furnished.url[7:]}


def test_what_staff_do_every_day_is_done_without_scripts(browser, furnished, pages):
    text(furnished, "+12025550171", "First words for the inbox")
    with walking(browser, furnished, java_script_enabled=False) as walk:
        walk.sign_in()
        for where, fields, presses, says in DEEDS:
            walk.go(where.format(**places(pages)))
            walk.fill(**fields)
            for name in presses:
                walk.press(name)
            expect(walk.page.locator("main").get_by_text(says).first).to_be_visible()


def test_what_staff_do_every_day_is_done_by_the_keyboard_alone(browser, furnished, pages):
    text(furnished, "+12025550171", "More words for the inbox")
    with walking(browser, furnished) as walk:
        walk.sign_in()
        for where, fields, presses, says in DEEDS:
            page = walk.go(where.format(**places(pages)))
            for name, value in fields.items():
                tab_to(page, f"#f-{name}")
                page.keyboard.press("Control+A")
                page.keyboard.type(value)
            for name in presses:
                wanted = page.get_by_role("button", name=name, exact=True).first
                wanted.evaluate("(one) => one.setAttribute('data-wanted', '')")
                tab_to(page, "[data-wanted]")
                with page.expect_navigation():
                    page.keyboard.press("Enter")
            expect(page.locator("main").get_by_text(says).first).to_be_visible()
        assert complaints(walk) == []


def test_the_keyboard_sees_where_it_is_goes_down_the_page_and_out_of_it(browser, furnished, pages):
    wrong = []
    with walking(browser, furnished) as walk:
        walk.sign_in()
        for path in [path for path in pages if any(part in path for part in NEWEST)]:
            page = walk.go(path)
            page.evaluate("document.activeElement.blur()")
            steps = list(by_tab(page))
            wrong += [(path, "hidden", one["what"]) for one in steps if not (one["marked"] and one["visible"])]
            at = [one["at"] for one in steps]
            if sum(after < before for before, after in pairwise(at)) > 1:  # once it begins anew at the top
                wrong.append((path, "order", ""))

    assert wrong == []


def test_the_first_stop_leads_past_the_navigation(browser, furnished):
    with walking(browser, furnished) as walk:
        walk.sign_in()
        page = walk.go("/queue")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")

        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_attacks_in_every_field_of_every_form_stay_words(browser, app, tmp_path_factory):
    with running_product(tmp_path_factory.mktemp("attacked")) as attacked, walking(browser, attacked) as walk:
        dialogs = []
        walk.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        walk.first_account()
        furnish(walk)
        text(attacked, "+12025550171", PAYLOAD)
        tried = attack(walk, pages_of(app, attacked))
        shown = [path for path in pages_of(app, attacked) if is_shown(walk, path)]

        assert len(tried) >= 40
        assert len(shown) >= 8
        assert dialogs == []
        assert [said for said in complaints(walk) if "status of 4" not in said] == []
        assert walk.hosts == {attacked.url[7:]}


def attack(walk, paths):
    """Post every form whole, and once for each field alone: another may be what keeps it from being saved."""
    tried = set()
    for path in paths:
        walk.go(path)
        for form in walk.page.evaluate(FORMS):
            for names in [form["fields"], *([name] for name in form["fields"])]:
                what = (form["action"].partition("?")[0], form["method"], *names)
                if names and what not in tried:
                    tried.add(what)
                    walk.go(path)
                    if (at := place_of(walk, form)) is not None:
                        with walk.page.expect_navigation():
                            walk.page.evaluate(ATTACK, [at, names, PAYLOAD])
    return tried


def place_of(walk, form):
    """Where the form stands by now: what was saved meanwhile may have taken away another one, or this one."""
    same = (form["action"], form["method"], form["fields"])
    now = walk.page.evaluate(FORMS)
    return next((one["at"] for one in now if (one["action"], one["method"], one["fields"]) == same), None)


def is_shown(walk, path):
    answer = walk.page.goto(walk.product.url + path)
    assert answer.status < 500, path
    return "onerror=alert" in walk.page.inner_text("body")
