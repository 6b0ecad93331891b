"""Kept connections to the providers, with the least on top that speaks HTTP/1.1: urllib3 costs five times as much."""

import select
import socket
import ssl
import time
import weakref
from collections import defaultdict
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from service.channels.side_by_side import elsewhere, has_asked, wait_until_readable, wait_until_writable

MOST_KEPT = 64
KEPT_FOR = 50.0
"""Seconds. Load balancers drop idle connections after a minute, and some say nothing."""
PACKET = 65_536

Origin = tuple[str, str, int]
"""Scheme, host, port."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in the way of `Retry-After`, however they were sent."""


class Connection:
    """One connection, for one request at a time."""

    def __init__(self, origin: Origin, patience: float, context: ssl.SSLContext) -> None:
        """Raises OSError or UnicodeError: nothing was sent."""
        scheme, host, port = origin
        self._socket = socket.create_connection((host, port), patience)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._answer = _Reader()
        self._used_at = time.monotonic()

    @property
    def stays_open(self) -> bool:
        """Whether the other side means to go on."""
        return self._answer.stays_open

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent. Something to read before it means that the other side has gone."""
        if time.monotonic() - self._used_at > KEPT_FOR:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def ask(self, request: bytes, ends: float) -> Answer:
        """One request and its answer, up to `ends` on the machine's monotonic clock.

        Raises what BROKEN names, also where time is up: it may have arrived.
        """
        answer = self._answer.begin()
        self._send(request, ends)
        has_asked()
        while answer.whole is None:
            answer.feed(self._receive(ends))
        self._used_at = time.monotonic()
        return answer.whole

    def _send(self, request: bytes, ends: float) -> None:
        rest = memoryview(request)
        while rest:
            if time.monotonic() > ends:
                raise TimeoutError("too late to ask")
            try:
                rest = rest[self._socket.send(rest) :]
            except ssl.SSLWantReadError:  # TLS has something to hear first
                wait_until_readable(self._socket, ends)
            except (BlockingIOError, ssl.SSLWantWriteError):
                wait_until_writable(self._socket, ends)

    def _receive(self, ends: float) -> bytes:
        while True:
            wait_until_readable(self._socket, ends)
            try:
                return self._socket.recv(PACKET)
            except (BlockingIOError, ssl.SSLWantReadError):  # a part of a record, or one that is TLS's own
                continue

    def close(self) -> None:
        self._socket.close()


class Connections:
    """The idle ones of this process. Any thread may take one and put it back."""

    def __init__(self, patience: float, context: ssl.SSLContext) -> None:
        """`patience`: seconds for each of the two steps to a new one."""
        self._patience, self._context = patience, context
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        weakref.finalize(self, _close_all, self._idle)

    def take(self, origin: Origin) -> Connection:
        """The one used last, or a new one. Raises OSError or UnicodeError: there is none."""
        idle = self._idle[origin]
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.is_usable:
                return connection
            connection.close()
        return elsewhere(partial(Connection, origin, self._patience, self._context))

    def put_back(self, origin: Origin, connection: Connection) -> None:
        if connection.stays_open and len(self._idle[origin]) < MOST_KEPT:
            self._idle[origin].append(connection)
        else:
            connection.close()


def _close_all(idle: MutableMapping[Origin, list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()


class _Reader:
    """Puts an answer together from what arrives; httptools calls it back."""

    def __init__(self) -> None:
        self.stays_open = True
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> "_Reader":
        self.whole: Answer | None = None
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._has_headers = False
        return self

    def feed(self, packet: bytes) -> None:
        if packet:
            self._parser.feed_data(packet)
        elif self._has_headers and not self._headers.keys() & {"Content-Length", "Transfer-Encoding"}:
            self._end()  # RFC 9112, 6.3: a body without a length ends with the connection
        else:
            raise ConnectionError("the answer ends early")

    def on_message_begin(self) -> None:
        if self.whole is not None:
            raise HttpParserError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").title()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_headers = True
        self.stays_open = self._parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self.begin()  # RFC 9110, 15.2: the answer proper is still to come
        else:
            self._end()

    def _end(self) -> None:
        self.whole = Answer(self._parser.get_status_code(), b"".join(self._parts), self._headers)


BROKEN = (OSError, HttpParserError, HttpParserUpgrade)
"""What an answer that did not come whole raises."""
