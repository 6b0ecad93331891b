"""Calls to the application: webhooks, each attempt recorded. They go out on a few threads and hold nobody up."""

import hashlib
import http.client
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.ledger import Ledger

log = logging.getLogger(__name__)

THREADS = 32
MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True)
class Parcel:
    """One webhook, ready to go."""

    kind: str
    provider_id: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    signature_kind: str = "valid"
    attempt: int = 1
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    note: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `error` is `connect`, `timeout` or `protocol` when there is no answer."""

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    error: str | None = None

    @property
    def is_ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Post:
    """Delivers parcels. What shares a lane goes in order; lanes go side by side."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        self._lanes: dict[str, deque[Callable[[], object]]] = {}
        self._lock = threading.Condition()
        self.in_flight = 0

    def start(self) -> None:
        for number in range(THREADS):
            threading.Thread(target=self._work, name=f"post-{number}", daemon=True).start()

    def stop(self) -> None:
        """Deliver nothing more. What is being delivered is not waited for."""
        for _ in range(THREADS):
            self._ready.put(None)

    def enqueue(self, lane: str, job: Callable[[], object]) -> None:
        """Do something on one of the threads, after all that is already in its lane."""
        with self._lock:
            self.in_flight += 1
            waiting = self._lanes.setdefault(lane, deque())
            waiting.append(job)
            if len(waiting) == 1:
                self._ready.put(lane)

    def settle(self, timeout: float) -> bool:
        """Wait until nothing is on its way. Blocks for at most `timeout` real seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: self.in_flight == 0, timeout)

    def deliver(self, parcel: Parcel) -> Outcome:
        """Make one attempt and record it. Blocks for at most its connect and read seconds."""
        started = time.monotonic()
        outcome = _call(parcel)
        self._record(parcel, outcome, (time.monotonic() - started) * 1000)
        return outcome

    def _record(self, parcel: Parcel, outcome: Outcome, milliseconds: float) -> None:
        self._ledger.add(
            "deliveries",
            {
                "t_virtual": self._clock.now(),
                "t_real": time.time(),
                "kind": parcel.kind,
                "provider_id": parcel.provider_id,
                "attempt": parcel.attempt,
                "url": parcel.url,
                "status": outcome.status,
                "ms": milliseconds,
                "signature_kind": parcel.signature_kind,
                "payload_sha256": hashlib.sha256(parcel.body).hexdigest(),
                "headers": json.dumps(dict(parcel.headers)),
                "body": parcel.body,
                "answer_headers": json.dumps(outcome.headers),
                "answer": outcome.body,
                "error": outcome.error,
                "note": parcel.note,
            },
        )

    def _work(self) -> None:
        while (lane := self._ready.get()) is not None:
            with self._lock:
                job = self._lanes[lane][0]
            try:
                job()
            except Exception:  # one broken webhook must not stop the others
                log.exception("a webhook broke")
            self._step(lane)

    def _step(self, lane: str) -> None:
        with self._lock:
            self.in_flight -= 1
            if self.in_flight == 0:
                self._lock.notify_all()
            waiting = self._lanes[lane]
            waiting.popleft()
            if waiting:
                self._ready.put(lane)
            else:
                del self._lanes[lane]


def _call(parcel: Parcel) -> Outcome:
    where = urlsplit(parcel.url)
    target = (where.path or "/") + (f"?{where.query}" if where.query else "")
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    line = kind(where.hostname or "", where.port, timeout=parcel.connect_seconds)
    try:
        try:
            line.connect()
        except OSError:
            return Outcome(error="connect")
        return _exchange(line, target, parcel)
    except TimeoutError:
        return Outcome(error="timeout")
    except (OSError, http.client.HTTPException):
        return Outcome(error="protocol")
    finally:
        line.close()


def _exchange(line: http.client.HTTPConnection, target: str, parcel: Parcel) -> Outcome:
    deadline = time.monotonic() + parcel.read_seconds
    line.sock.settimeout(parcel.read_seconds)
    line.request("POST", target, parcel.body, dict(parcel.headers))
    response = line.getresponse()
    body = b""
    while len(body) < MAX_ANSWER and (piece := response.read1(65536)):
        body += piece
        if time.monotonic() > deadline:
            raise TimeoutError
    return Outcome(response.status, response.getheaders(), body)
