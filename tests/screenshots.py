"""`make screenshots`: the pictures of the README and the docs, from the demo, light and phone-sized."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser_install import find_browser

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
ACCOUNT = {
    "name": "Dana Whitlock",
    "email": "dana@example.org",
    "password": "seven calm blue rivers",
    "practice": "Elm Street Practice",
    "sender": "Elm St Office",
    "phone": "212-555-0123",
}


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        environ = {**os.environ, "DATA_DIR": folder, "PORT": str(port), "SANDBOX_PORT": str(_free_port())}
        for command in (("upgrade",), ("demo",)):
            subprocess.run([sys.executable, "-m", "service", *command], env=environ, check=True)
        running = subprocess.Popen([sys.executable, "-m", "service", "run"], env=environ)
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
                _take(browser, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{environ['SANDBOX_PORT']}")
        finally:
            running.terminate()
            running.wait(10)


def _take(browser: Browser, pages: str, phone: str) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(pages)
    for field, value in ACCOUNT.items():
        page.fill(f"#f-{field}", value)
    page.click("text=Create the account")
    page.wait_for_url(pages + "/")
    page.goto(pages + "/queue")
    time.sleep(70)  # a reminder goes out within the minute, and is answered below
    _answer(browser, phone)
    _shoot(page, "home", pages + "/")
    page.goto(pages + "/groups")
    page.click("ul.rows a >> nth=0")
    _shoot(page, "group", page.url)
    _shoot(page, "messages", page.url + "/messages")
    page.goto(pages + "/")
    page.goto(pages + "/groups")
    page.click("ul.rows a >> nth=0")
    page.click("ol.timeline a >> nth=0")
    _shoot(page, "session", page.url)
    _shoot(page, "replies", pages + "/replies?show=handled")
    _shoot(page, "new-group", pages + "/groups/new")
    _shoot(page, "queue", pages + "/queue")
    _shoot(page, "log", pages + "/log")
    _shoot(page, "templates", pages + "/templates/reminder_discreet")
    _shoot(page, "going-live", pages + "/settings/providers")


def _answer(browser: Browser, phone: str) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(phone)
    page.click("text=Phone ending 00")
    page.click("button:text-is('C')")
    page.wait_for_selector("text=Thank you. See you")
    page.screenshot(path=PICTURES / "phone.png")
    page.set_viewport_size(PHONE)
    page.screenshot(path=PICTURES / "phone-390.png")
    page.close()


def _shoot(page: Page, name: str, address: str) -> None:
    page.set_viewport_size(DESKTOP)
    page.goto(address)
    page.screenshot(path=PICTURES / f"{name}.png")
    page.set_viewport_size(PHONE)
    page.screenshot(path=PICTURES / f"{name}-390.png")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("The pages did not come up.")


if __name__ == "__main__":
    main()
