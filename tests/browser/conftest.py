"""The whole product, as `groupkeeper run` starts it, and a real Chromium in front of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
START_SECONDS = 180
PATIENCE = 30_000
"""Milliseconds: how long a page may take on a machine that runs everything at once."""
MONDAY = "2027-01-04T15:00:00Z"
"""10:00 in New York: nothing is held by quiet hours, whenever the tests run."""
EMAIL, PASSWORD = "dana@example.org", "seven calm blue rivers"
NOT_OURS_TO_MEND = ("status of 422", "status of 401", "status of 404")
"""Chromium reports every page that says no as an error of its own."""


@dataclass(frozen=True)
class Product:
    url: str
    phone: str
    log: Path


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    web, sandbox = _free_ports()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TWILIO", "SENDGRID"))}
    environ |= {"DATA_DIR": str(folder / "var"), "PORT": str(web), "SANDBOX_PORT": str(sandbox)}
    environ |= {"GROUPKEEPER_CLOCK": MONDAY, "SENDER_RATE": "0"}
    product = Product(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{sandbox}", folder / "product.log")
    with product.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "run"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        _wait_until_ready(product, process)
        yield product
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_ready(product: Product, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{product.url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"The product did not start. {product.log.read_text()[-2000:]}", pytrace=False)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@dataclass
class Walk:
    """A browser window, what went wrong in it, and the hosts that it asked."""

    page: Page
    product: Product
    said: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def go(self, path: str) -> Page:
        self.page.goto(self.product.url + path)
        return self.page

    def press(self, name: str, **named: Any) -> None:
        self.page.get_by_role("button", name=name, exact=True, **named).first.click()
        self.page.wait_for_load_state()

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            self.page.fill(f"#f-{name}", value)

    def sign_in(self) -> None:
        self.go("/sign-in")
        self.fill(email=EMAIL, password=PASSWORD)
        self.press("Sign in")

    def first_account(self) -> None:
        self.go("/")
        self.fill(name="Dana Whitlock", email=EMAIL, password=PASSWORD, practice="Oak Street Practice")
        self.fill(sender="Oak St Office", phone="212-555-0123")
        self.press("Create the account")

    def new_group(self, name: str, on: str) -> None:
        self.go("/groups/new")
        self.fill(group=name, outside_name="Evening group", place="Room 1, Elm Street", starts_on=on, count="8")


@contextmanager
def walking(browser: Browser, product: Product, width: int = 1280, **options: Any) -> Iterator[Walk]:
    context: BrowserContext = browser.new_context(viewport={"width": width, "height": 900}, **options)
    context.set_default_timeout(PATIENCE)
    walk = Walk(context.new_page(), product)
    watch(walk, walk.page)
    yield walk
    context.close()


def watch(walk: Walk, page: Page) -> None:
    """Keep what the console says, which holds every breach of the content policy, and every host that is asked."""
    page.on("console", lambda said: walk.said.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: walk.said.append(str(error)))
    page.on("request", lambda asked: walk.hosts.add(asked.url.split("/")[2]))


def complaints(walk: Walk) -> list[str]:
    return [text for text in walk.said if not any(known in text for known in NOT_OURS_TO_MEND)]


def never_sideways(page: Page) -> None:
    """Nothing stands out to the right of the window."""
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, page.url


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Product]:
    """A product with its first account, one a worker. That account is made on a phone's screen.

    At the end the sandbox judges all that was sent and answered.
    """
    with running_product(tmp_path_factory.mktemp("product")) as started:
        with walking(browser, started, 390) as walk:
            walk.first_account()
            assert walk.page.get_by_text("Welcome.").is_visible()
            assert complaints(walk) == []
        yield started
        with urllib.request.urlopen(f"{started.phone}/_sandbox/audit", timeout=60) as answer:
            verdict = json.load(answer)
        assert {name: found for name, found in verdict["lists"].items() if found} == {}
