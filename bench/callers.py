"""Twilio calling back: signed before the clock starts, sent over a few connections that are kept as long as the
server keeps them."""

import base64
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode, urlsplit

HEAD_END = b"\r\n\r\n"
TIMEOUT = 30.0


def name_of(delivery_id: str) -> str:
    """What the provider calls the text."""
    return "SM" + delivery_id.replace("-", "")


def signed(public_url: str, token: str, delivery_id: str, status: str) -> bytes:
    """One status callback, as bytes."""
    path = f"/webhooks/twilio/status?m={delivery_id}"
    form = {
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "From": "+15005550006",
        "MessageSid": name_of(delivery_id),
        "MessageStatus": status,
        "SmsSid": name_of(delivery_id),
        "SmsStatus": status,
        "To": "+12125550100",
    }
    told = public_url + path + "".join(f"{name}{form[name]}" for name in sorted(form))
    signature = base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()
    body = urlencode(form)
    return (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(public_url).hostname}\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def call(port: int, requests: Sequence[bytes], connections: int) -> dict[str, int]:
    """Send every request, in order on each connection. Returns how often each status came back."""
    answers: dict[str, int] = {}
    lock = threading.Lock()

    def work(mine: Sequence[bytes]) -> None:
        for status in _answers(port, mine):
            with lock:
                answers[status] = answers.get(status, 0) + 1

    threads = [threading.Thread(target=work, args=(requests[number::connections],)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def wait_for(port: int, most: float = 60.0) -> None:
    """Until somebody listens."""
    ends = time.monotonic() + most
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)
        else:
            return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, requests: Sequence[bytes]) -> Iterator[str]:
    connection = None
    for request in requests:
        while True:
            fresh = connection is None
            connection = connection or socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
            try:
                connection.sendall(request)
                head = _head(connection)
            except OSError:
                head = b""
            if head:
                break
            connection.close()
            connection = None
            if fresh:
                raise ConnectionError("the server closed a new connection without an answer")
        yield head.split(b" ", 2)[1].decode()
        if b"connection: close" in head.lower():
            connection.close()
            connection = None
    if connection:
        connection.close()


def _head(connection: socket.socket) -> bytes:
    """What comes before the body; the answers to callbacks have none, or a short one that came with it."""
    received = b""
    while HEAD_END not in received:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        received += piece
    return received
