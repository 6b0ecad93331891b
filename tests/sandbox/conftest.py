"""A running sandbox, the official clients pointed at it, and a stand-in for the application."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest
from sendgrid import SendGridAPIClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from sandbox import config
from sandbox.box import Box
from sandbox.clock import Clock
from sandbox.remote import Remote, SandboxError

VECTORS = Path(__file__).parent.parent / "vectors"
NOW = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)
ALICE, BEN = "+12025550143", "+12025550187"


class RebasedTwilioHttpClient(TwilioHttpClient):
    """The official client, its host changed."""

    def __init__(self, base: str, **options: Any) -> None:
        super().__init__(**options)
        self._base = urlsplit(base)

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        asked = urlsplit(url)
        path = self._base.path.rstrip("/") + asked.path
        rebased = urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))
        return super().request(method, rebased, *args, **more)


@dataclass
class Call:
    """A webhook that the application received."""

    path: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def events(self) -> list[dict[str, Any]]:
        return json.loads(self.body)


Verdict = tuple[int, dict[str, str], bytes]


@dataclass
class App:
    """Stands in for the application: remembers every webhook, and answers as it is told to."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], Verdict] = lambda _call: (204, {}, b"")

    def heard(self, part: str) -> list[Call]:
        return [call for call in self.calls if part in call.path]

    def statuses(self) -> list[str]:
        return [call.form["MessageStatus"] for call in self.heard("/status")]


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = f"http://{self.headers['Host']}{self.path}"
        call = Call(self.path, url, dict(self.headers.items()), body)
        self.server.app.calls.append(call)
        status, headers, answer = self.server.app.answer(call)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """The sandbox hung up on purpose."""


@pytest.fixture
def app() -> Iterator[App]:
    with _Server(("127.0.0.1", 0), _Door) as server:
        server.app = App(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.app
        server.shutdown()
        thread.join()


class Control(Remote):
    """The sandbox's own API, and its insides for what has none."""

    def __init__(self, box: Box) -> None:
        super().__init__(box.url)
        self.box = box

    def refusal(self, method: str, path: str, told: Any = None) -> str:
        """What the sandbox says to a request that makes no sense."""
        with pytest.raises(SandboxError) as caught:
            self._call(method, path, told)
        return json.loads(str(caught.value))["error"]


def stopped_clock() -> Clock:
    return Clock(NOW.timestamp(), rate=0)


@pytest.fixture
def sandbox(tmp_path: Path, app: App) -> Iterator[Control]:
    """A sandbox with a clock that only moves when it is told to, calling the stand-in application."""
    with Box(tmp_path, seed=1, clock=stopped_clock(), app_url=app.url) as box:
        box.world.config.no_receipt = 0.0
        yield Control(box)


@contextlib.contextmanager
def twilio_client(base: str, user: str = config.API_KEY, password: str = config.API_SECRET,
                  account: str = config.ACCOUNT, timeout: float = 10) -> Iterator[Client]:  # fmt: skip
    http = RebasedTwilioHttpClient(base, timeout=timeout)
    yield Client(user, password, account, environment={"_": "_"}, http_client=http)
    http.session.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def twilio(sandbox: Control) -> Iterator[Client]:
    with twilio_client(sandbox.url) as client:
        yield client


@pytest.fixture
def twilio_as(sandbox: Control) -> Iterator[Callable[..., Client]]:
    """The official client with other credentials, or another patience."""
    with contextlib.ExitStack() as open_clients:
        yield lambda **options: open_clients.enter_context(twilio_client(sandbox.url, **options))


@pytest.fixture
def rebased_client() -> Callable[..., contextlib.AbstractContextManager[Client]]:
    return twilio_client


@pytest.fixture
def sendgrid(sandbox: Control) -> SendGridAPIClient:
    client = SendGridAPIClient(config.SENDGRID_KEY, host=sandbox.url)
    client.client.timeout = 10
    return client


@pytest.fixture
def text(twilio: Client, app: App) -> Callable[..., Any]:
    """Send a text, with defaults that are right."""

    def send(to: str = ALICE, body: str = "Your group meets tomorrow at 18:00.", **more: Any) -> Any:
        sender = {} if "messaging_service_sid" in more else {"from_": config.NUMBER}
        callback = f"{app.url}/webhooks/twilio/status?m={more.pop('reference', 'd1')}"
        return twilio.messages.create(to=to, body=body, **{"status_callback": callback, **sender, **more})

    return send


def a_mail(to: str = "ann@example.sandbox.test", reference: str = "m1", **more: Any) -> dict[str, Any]:
    """A mail with which nothing is wrong."""
    off = {"enable": False}
    return {
        "personalizations": [{"to": [{"email": to}], "custom_args": {"mid": reference}}],
        "from": {"email": "care@practice.example", "name": "Riverside"},
        "reply_to": {"email": "reply+abc234@inbound.practice.example"},
        "subject": "A minute to look back",
        "content": [{"type": "text/plain", "value": "How was your week? Reply to this email."}],
        "headers": {
            "List-Unsubscribe": "<https://practice.example/u/abc>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
        "tracking_settings": {"click_tracking": off, "open_tracking": off, "subscription_tracking": off},
        **more,
    }


@pytest.fixture
def mail(sendgrid: SendGridAPIClient) -> Callable[..., Any]:
    """Send a mail, with defaults that are right."""
    return lambda *args, **more: sendgrid.send(a_mail(*args, **more))


@pytest.fixture
def payload() -> Callable[..., dict[str, Any]]:
    return a_mail


@pytest.fixture
def vectors() -> Callable[[str], Any]:
    return lambda name: json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """An argument called `<list>_of_<file>` is each entry of a list in a vector file, one after the other."""
    for argument in metafunc.fixturenames:
        name, _, file = argument.partition("_of_")
        if file:
            found = json.loads((VECTORS / f"{file}.json").read_text(encoding="utf-8"))[name]
            metafunc.parametrize(argument, found, ids=[str(one.get("id") or one.get("code")) for one in found])


def expected(number: int, to: str = ALICE, **more: Any) -> dict[str, Any]:
    """What the judge is told to expect."""
    return {"app_message_id": f"d{number}", "to": to, "channel": "sms", **more}
