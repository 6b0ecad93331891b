"""`groupkeeper doctor` in live mode: the pages as they are served, behind a proxy that speaks TLS for them."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import pytest

from sandbox import tls
from tests.patience import eventually
from tests.stand_ins import Asked, StandIn, free_port, standing_in

ROOT = Path(__file__).parents[2]
LIVE = {
    "GROUPKEEPER_MODE": "live",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "a token of the tests",
    "TWILIO_FROM": "+15005550006",
    "SENDGRID_API_KEY": "SG.a-key-of-the-tests",
    "SENDGRID_FROM": "office@groups.example.org",
}


class Proxy:
    """What stands before the pages."""

    def __init__(self, server: StandIn, pages: int) -> None:
        self.names, self.pages = True, pages
        server.answer = self.pass_on

    def pass_on(self, asked: Asked) -> None:
        headers = {name: value for name, value in asked.headers.items() if self.names or name != "Host"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.pages}{asked.path}", headers=headers)
        request.add_header("X-Forwarded-For", "127.0.0.1")
        request.add_header("X-Forwarded-Proto", "https")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                asked.say(answer.status, answer.read())
        except urllib.error.HTTPError as refused:
            asked.say(refused.code, refused.read())
        except OSError:
            asked.say(502, b"")


class Installation:
    """A live one on this machine, with pages that run."""

    def __init__(self, folder: Path, proxy: Proxy, public_url: str) -> None:
        self.proxy = proxy
        ours = ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "GROUPKEEPER_", "TWILIO_", "SENDGRID_", "PUBLIC_URL")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        here = {"DATA_DIR": str(folder / "var"), "PUBLIC_URL": public_url, "PORT": str(proxy.pages)}
        trusted = {"SSL_CERT_FILE": str(folder / "cert.pem"), "PYTHONPATH": str(ROOT)}
        self.environ, self.folder = {**inherited, **LIVE, **here, **trusted}, folder

    def runs(self, command: str, **changes: str) -> str:
        called = [sys.executable, "-m", "service", command]
        environ = {**self.environ, **changes}
        return subprocess.run(called, env=environ, cwd=self.folder, capture_output=True, text=True).stdout

    def says_of_its_address(self, **changes: str) -> str:
        """The doctor's line on it."""
        (line,) = [line for line in self.runs("doctor", **changes).splitlines() if "public address:" in line]
        return line

    @contextmanager
    def open(self) -> Iterator["Installation"]:
        self.runs("upgrade")
        with (self.folder / "said").open("w") as said:
            pages = subprocess.Popen(
                [sys.executable, "-m", "service", "web"], env=self.environ, cwd=self.folder, stdout=said, stderr=said
            )
        try:
            assert eventually(self.answers, True, 60), (self.folder / "said").read_text()
            yield self
        finally:
            pages.terminate()
            pages.wait(60)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.proxy.pages}/healthz", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("live")
    with standing_in() as server:
        server.socket = tls.context(folder).wrap_socket(server.socket, server_side=True)
        proxy = Proxy(server, free_port())
        with Installation(folder, proxy, server.url.replace("http://127.0.0.1", "https://localhost")).open() as made:
            yield made


pytestmark = pytest.mark.xdist_group("live")


def test_pages_that_answer_behind_a_proxy_are_well(live):
    assert live.says_of_its_address() == "ok    public address: our pages answer there"


def test_a_proxy_that_keeps_the_name_to_itself_is_to_be_mended(live, monkeypatch):
    monkeypatch.setattr(live.proxy, "names", False)

    assert "answers with 400. Does the proxy pass the address's name on" in live.says_of_its_address()


def test_a_proxy_that_leads_nowhere_is_to_be_mended(live, monkeypatch):
    monkeypatch.setattr(live.proxy, "pages", free_port())

    assert "answers with 502. Does the proxy lead to Groupkeeper?" in live.says_of_its_address()


def test_a_certificate_that_nobody_trusts_is_to_be_mended(live):
    line = live.says_of_its_address(SSL_CERT_FILE=certifi.where())

    assert line.startswith("MEND")
    assert "and its certificate good?" in line


def test_an_address_at_which_nobody_listens_is_to_be_mended(live):
    line = live.says_of_its_address(PUBLIC_URL=f"https://localhost:{free_port()}")

    assert line.startswith("MEND")
    assert "Is the proxy running" in line


def test_in_practice_mode_nobody_is_asked(live, tmp_path):
    practice = {"GROUPKEEPER_MODE": "practice", "DATA_DIR": str(tmp_path / "var")}

    assert "public address" not in live.runs("doctor", **practice)
