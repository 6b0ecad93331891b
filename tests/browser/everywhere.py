"""Every page of staff, found in the app's own map with ids that the product holds: a new page is walked by itself."""

import re
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask
from playwright.sync_api import Page
from twilio.request_validator import RequestValidator

from service.app import STAFF_PAGES, create_app
from service.models import Base
from service.settings import Settings
from service.wiring import build
from tests.browser.conftest import Product, Walk

KEYS = {"key": "checkin_0_10"}
"""What an address names that is no row."""
FIRST = {"deliveries": "state = 'scheduled' DESC", "replies": "handled_at IS NULL DESC"}
"""Which row of a table is the best to look at."""
A_FILE = frozenset({"log.as_file"})


def app_map(folder: Path) -> Flask:
    return create_app(build(Settings.from_env({"DATA_DIR": str(folder)}), stays=False))


def pages_of(app: Flask, product: Product) -> list[str]:
    """Every page that staff can be on, as far as there is something for it to show."""
    paths = []
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.partition(".")[0]
        if "GET" in rule.methods and name in STAFF_PAGES and rule.endpoint not in A_FILE:
            values = {one: KEYS.get(one) or _row(product, one) for one in rule.arguments}
            if all(values.values()):
                with app.test_request_context():
                    paths.append(app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method="GET"))
    return sorted(set(paths))


def _row(product: Product, argument: str) -> str:
    """The id of a row of the table that an argument like `session_id` means; "" where there is none."""
    stem = argument.removesuffix("_id")
    plural = f"{stem[:-1]}ies" if stem.endswith("y") else f"{stem}s"
    table = next((name for name in (plural, f"group_{plural}") if name in Base.metadata.tables), None)
    if table is None:
        return ""
    with closing(sqlite3.connect(product.log.parent / "var" / "groupkeeper.db", timeout=30)) as db:
        found = db.execute(f"SELECT id FROM {table} ORDER BY {FIRST.get(table, '1')}, id LIMIT 1").fetchone()
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", found[0]) if found else ""


def furnish(walk: Walk) -> None:
    """A group, two members, one on call, an agreement, a reply, and a text that needs a person."""
    product = walk.product
    walk.new_group("A group to walk through", "2027-01-07")
    walk.press("Create group")
    if "/members" not in walk.page.url:
        walk.press("Create group")  # without scripts the dates are shown first
    walk.fill(pasted="Gil Hart, 202-555-0171\nIda Lund, 202-555-0172, ida@example.org")
    walk.press("Add")
    walk.page.check("#f-purpose_reminder")
    walk.press("Invite")
    group = walk.page.url.removeprefix(product.url).removesuffix("/members")
    text(product, "+12025550171", "START")
    text(product, "+12025550171", "Could I bring my notebook?")
    text(product, "+12025550171", "I want to die")
    walk.go(f"{group}/agreement")
    walk.press("Put it in force")
    walk.go("/on-call")
    walk.page.select_option("#f-staff_id", index=1)
    walk.fill(mobile="202-555-0179")
    walk.page.locator("form:has(#f-mobile) button").click()


def text(product: Product, sender: str, words: str) -> None:
    """As if by the provider, signed."""
    url = f"{product.url}/webhooks/twilio/inbound"
    form = {"MessageSid": f"SM{abs(hash((sender, words))):032x}", "From": sender, "Body": words}
    signature = RequestValidator("12345").compute_signature(url, form)
    asked = urllib.request.Request(url, urlencode(form).encode(), {"X-Twilio-Signature": signature})
    urllib.request.urlopen(asked, timeout=30).close()


FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const seen = (e, part) => { if (!e) return false; const s = getComputedStyle(e, part);
    return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"; };
  const box = (one.labels && one.labels[0] || one).getBoundingClientRect();
  return { at: [...document.querySelectorAll("*")].indexOf(one), what: one.outerHTML.slice(0, 120),
    marked: seen(one) || seen(one, "::after") || seen(one.nextElementSibling) || seen(one.closest("label")),
    visible: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight };
}"""


def by_tab(page: Page, most: int = 400) -> Iterator[dict[str, object]]:
    """What has the focus, press by press, until it has left the page or begins anew. More presses are a trap."""
    first = None
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None or (first is not None and found["at"] == first):
            return
        first = first or found["at"]
        yield found
    raise AssertionError(f"the focus never leaves {page.url}")


def tab_to(page: Page, selector: str) -> None:
    """By the Tab key alone."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by the keyboard on {page.url}")
