"""The door: HTTP/1.1 on the loopback, a thread a connection, answers in whatever manner a fault plan asks for."""

import contextlib
import errno
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.answers import Answer, Held, Request, Reset, Silence, Trickle, Whole

HOST = "127.0.0.1"
MAX_BODY = 48 * 1024 * 1024

Respond = Callable[[Request], Answer]


class PortTakenError(Exception):
    """Something else listens on the port."""


class Door:
    """A listening port that can be closed for a while and opened again. Takes the port when it is made."""

    def __init__(self, respond: Respond, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._respond = respond
        self._tls = tls
        self.broken_handshakes = 0
        """So many of the next connections are cut off before TLS is agreed."""
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._server = self._take(port)
        self._server.server_activate()
        self.port: int = self._server.server_address[1]

    def _take(self, port: int) -> "_Server":
        """Hold the port without answering on it: whoever calls is refused."""
        try:
            server = _Server(self, self._respond, port, self._tls)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortTakenError(port) from error
        return server

    def open(self) -> None:
        """Begin to answer. Until then, callers wait."""
        threading.Thread(target=self._server.serve_forever, args=(0.25,), name="door", daemon=True).start()

    def close(self) -> None:
        """Stop listening and hang up on everybody, for good."""
        self._is_over.set()
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        stopping = threading.Thread(target=self._server.shutdown)
        stopping.start()
        with contextlib.suppress(OSError):  # it looks up when somebody knocks
            socket.create_connection((HOST, self.port), 1).close()
        stopping.join()
        self._server.server_close()
        self._server.hang_up()

    def close_for(self, seconds: float) -> None:
        """Refuse connections for some real seconds. Returns at once."""
        threading.Thread(target=self._close_and_open, args=(seconds,), daemon=True).start()

    def _close_and_open(self, seconds: float) -> None:
        with self._lock:
            self._shut()
            self._server = self._take(self.port)
            self._is_over.wait(seconds)
            self._server.server_activate()
            self.open()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, door: Door, respond: Respond, port: int, tls: ssl.SSLContext | None) -> None:
        self.door = door
        self.respond = respond
        self.connections: set[socket.socket] = set()
        self._tls = tls
        super().__init__((HOST, port), _Conversation, bind_and_activate=False)
        self.server_bind()

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        if self.door.broken_handshakes > 0:
            self.door.broken_handshakes -= 1
            request.sendall(b"this is not TLS\r\n")
            return
        with contextlib.suppress(OSError), self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def hang_up(self) -> None:
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def _answer_one(self) -> None:
        length = self._length()
        if length is None:
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(length) if length else b""
        answer = self.server.respond(Request(self.command, path, query, self.headers, body, self.client_address[1]))
        got = self._deliver(answer)
        if answer.when_out:
            answer.when_out(got)

    def _length(self) -> int | None:
        """How long the body is. None when it cannot be read: that has been answered."""
        stated = self.headers.get("Content-Length") or "0"
        if stated.isdecimal() and int(stated) <= MAX_BODY and not self.headers.get("Transfer-Encoding"):
            return int(stated)
        self._send(Answer(413 if stated.isdecimal() else 400, headers={"Connection": "close"}))
        return None

    def do_GET(self) -> None:
        self._answer_one()

    def do_HEAD(self) -> None:
        self._answer_one()

    def do_POST(self) -> None:
        self._answer_one()

    def do_PUT(self) -> None:
        self._answer_one()

    def do_PATCH(self) -> None:
        self._answer_one()

    def do_DELETE(self) -> None:
        self._answer_one()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Requests are in the ledger; a second log would hold numbers and words."""

    def _deliver(self, answer: Answer) -> bool:
        """Returns whether a client that waited has the whole answer."""
        try:
            match answer.manner:
                case Whole():
                    self._send(answer)
                case Held(seconds):
                    time.sleep(seconds)
                    self._send(answer)
                    return False  # it came after the client's patience; the judge counts it as not got
                case Trickle(pause):
                    self._trickle(answer, pause)
                    return False
                case Silence(seconds):
                    time.sleep(seconds)
                    self.close_connection = True
                    return False
                case Reset():
                    self._reset()
                    return False
        except OSError:
            self.close_connection = True
            return False
        return True

    def _send(self, answer: Answer) -> None:
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write(self._head(answer) + body)

    def _head(self, answer: Answer) -> bytes:
        headers = dict(answer.headers)
        if answer.status not in (204, 304):
            headers.setdefault("Content-Length", str(len(answer.body)))
        if headers.get("Connection") == "close":
            self.close_connection = True
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _trickle(self, answer: Answer, pause: float) -> None:
        self.wfile.write(self._head(answer))
        for byte in answer.body:
            time.sleep(pause)
            self.wfile.write(bytes([byte]))

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
