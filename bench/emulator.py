"""Twilio's create and SendGrid's mail/send, fast enough not to be what is measured: TLS, kept connections, one thread.

Every request is answered `delay` seconds after it came, and noted with its id: `?m=` of a text's status callback,
`mid` of a mail. `GET /bench/count` and `/bench/accepted` tell; `POST /bench/reset?delay=0.05` starts anew.
"""

import argparse
import json
import selectors
import signal
import socket
import ssl
import sys
import time
from collections import Counter, deque
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sandbox import tls

READ = 65_536
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
TEXT_ID, MAIL_ID = b"%3Fm%3D", b'"mid"'
TEXT_ANSWER = (
    '{"account_sid":"AC00000000000000000000000000000000","api_version":"2010-04-01","body":"Oak St Office: you have an '
    'appointment.","date_created":"%(date)s","date_sent":null,"date_updated":"%(date)s","direction":"outbound-api",'
    '"error_code":null,"error_message":null,"from":"+15005550006","messaging_service_sid":null,"num_media":"0",'
    '"num_segments":"1","price":null,"price_unit":"USD","sid":"SM%(sid)s","status":"queued","subresource_uris":{"media":'
    '"/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/SM%(sid)s/Media.json"},"to":"+12125550100",'
    '"uri":"/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/SM%(sid)s.json"}'
)

NO_TEXTS = b'{"messages":[],"page":0,"page_size":100,"next_page_uri":null,"uri":"/2010-04-01/Messages.json"}'


class Connection:
    """One client's connection: what it sent and is not answered yet."""

    __slots__ = ("is_shaken", "received", "socket")

    def __init__(self, taken: ssl.SSLSocket) -> None:
        self.socket = taken
        self.received = b""
        self.is_shaken = False


class Emulator:
    """Takes everything over. One thread, so nothing needs a lock."""

    def __init__(self, context: ssl.SSLContext, port: int, delay: float) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self.reset(delay)

    def reset(self, delay: float) -> None:
        self._delay = delay
        self._accepted: list[tuple[str, float]] = []
        self._waiting: deque[tuple[float, Connection, bytes]] = deque()
        self.peak = 0

    def run(self) -> None:
        """Until the process is told to stop."""
        while True:
            left = max(0.0, self._waiting[0][0] - time.time()) if self._waiting else None
            for key, _ in self._selector.select(left):
                if key.data is None:
                    self._accept()
                else:
                    self._read(key.data)
            self._answer_due()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except BlockingIOError:
                return
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            taken = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._selector.register(taken, selectors.EVENT_READ, Connection(taken))

    def _read(self, connection: Connection) -> None:
        try:
            if not connection.is_shaken:
                connection.socket.do_handshake()
                connection.is_shaken = True
            while piece := connection.socket.recv(READ):
                connection.received += piece
                self._take_requests(connection)
                if not connection.socket.pending():
                    return  # asking once more only to hear that there is nothing costs as much as all the rest
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            pass
        self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        try:
            self._selector.unregister(connection.socket)
        except (KeyError, ValueError):
            return
        connection.socket.close()

    def _take_requests(self, connection: Connection) -> None:
        while (ends := connection.received.find(HEAD_END)) >= 0:
            head = connection.received[:ends]
            length = _length(head)
            if len(connection.received) < ends + 4 + length:
                return
            body = connection.received[ends + 4 : ends + 4 + length]
            connection.received = connection.received[ends + 4 + length :]
            self._take(connection, head, body)

    def _take(self, connection: Connection, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/bench/"):
            self._write(connection, self._tell(path.decode()))
            return
        if head.startswith(b"GET "):  # the list of texts that came in, which is asked for every few minutes
            self._write(connection, _answer("200 OK", NO_TEXTS))
            return
        at = time.time() + self._delay
        is_mail = path.endswith(b"/mail/send")
        self._accepted.append((_mail_id(body) if is_mail else _text_id(body), at))
        self._waiting.append((at, connection, _mail_answer() if is_mail else _text_answer(len(self._accepted))))
        self.peak = max(self.peak, len(self._waiting))

    def _answer_due(self) -> None:
        now = time.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, connection, answer = self._waiting.popleft()
            self._write(connection, answer)

    def _write(self, connection: Connection, answer: bytes) -> None:
        try:
            sent = connection.socket.send(answer)
            if sent < len(answer):  # only the long list of what was accepted is larger than a socket's buffer
                connection.socket.setblocking(True)
                connection.socket.sendall(answer[sent:])
                connection.socket.setblocking(False)
        except OSError:
            self._drop(connection)

    def _tell(self, path: str) -> bytes:
        asked = urlsplit(path)
        if asked.path == "/bench/reset":
            self.reset(float(parse_qs(asked.query)["delay"][0]))
            return _answer("200 OK", b"{}")
        if asked.path == "/bench/accepted":
            return _answer("200 OK", json.dumps(self._accepted).encode())
        twice = sum(count - 1 for count in Counter(name for name, _ in self._accepted).values())
        told = {"accepted": len(self._accepted), "duplicates": twice, "peak": self.peak}
        return _answer("200 OK", json.dumps(told).encode())


def _length(head: bytes) -> int:
    begins = head.lower().find(LENGTH)
    return int(head[begins + len(LENGTH) :].split(b"\r\n", 1)[0]) if begins >= 0 else 0


def _text_id(body: bytes) -> str:
    """Without a status callback there is no id of ours: then the number and the words are it."""
    _, found, rest = body.partition(TEXT_ID)
    return rest.split(b"&", 1)[0].decode() if found else body.decode()


def _mail_id(body: bytes) -> str:
    _, found, rest = body.partition(MAIL_ID)
    return rest.split(b'"', 2)[1].decode() if found else body.decode()


def _text_answer(number: int) -> bytes:
    text = TEXT_ANSWER % {"date": _date(int(time.time())), "sid": f"{number:032x}"}
    return _answer("201 CREATED", text.encode())


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _mail_answer() -> bytes:
    return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: %x\r\nContent-Length: 0\r\n\r\n" % time.time_ns()


def _answer(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def main() -> None:
    parser = argparse.ArgumentParser(description="Plays Twilio and SendGrid for the benchmarks.")
    parser.add_argument("folder", type=Path, help="where cert.pem is written, for the clients to trust")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.05)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    emulator = Emulator(tls.context(asked.folder), asked.port, asked.delay)
    print(f"https://127.0.0.1:{emulator.port}", flush=True)
    emulator.run()


if __name__ == "__main__":
    main()
