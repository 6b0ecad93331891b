"""What the channels talk to in tests: a real sandbox process, and a small server that answers as it is told."""

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class Sandbox:
    """A running provider sandbox, and its control API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_sandbox/{path}", timeout=60) as answer:
            return json.load(answer)

    def tell(self, path: str, what: object) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}", json.dumps(what).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def reset(self) -> None:
        """As new: nothing accepted, no faults, nobody calls back, every step follows at once."""
        self.tell("reset", {"seed": 1, "rate": 1, "config": QUIET})
        request = urllib.request.Request(f"{self.url}/_sandbox/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=60).close()

    def set_clock(self, moment: datetime, rate: float = 0) -> None:
        """The sandbox's present. With rate 0 it stands still until it is set again."""
        self.tell("clock", {"rate": rate})
        now = self.ask("clock")["now"]
        self.tell("clock", {"advance": moment.timestamp() - now})

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [row for row in self.ask("ledger")["accepted"] if row["direction"] in (None, "outbound-api", "outbound")]

    def at(self, row: dict[str, Any]) -> datetime:
        return datetime.fromtimestamp(row["t_virtual"], UTC)


QUIET = {"latency": "none", "no_receipt": 0.0, "inbound_url": None, "events_url": None, "parse_url": None}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_sandbox(folder: Path) -> Iterator[Sandbox]:
    with (folder / "sandbox.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(folder / "sandbox"), "--seed", "1"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert "http://" in line, (folder / "sandbox.log").read_text()
            yield Sandbox(line.split()[-1])
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


Answer = Callable[["Asked"], None]


class Asked(BaseHTTPRequestHandler):
    """One request to the stand-in. What becomes of it, `server.answer` says."""

    protocol_version = "HTTP/1.1"
    server: "StandIn"

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(copy(self))  # one handler serves a whole connection
        self.server.answer(self)

    do_GET = do_POST  # noqa: N815  the name is http.server's

    def say(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        pass


class StandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.answer: Answer = lambda asked: asked.say(500, b"")
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Asked)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def standing_in() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
