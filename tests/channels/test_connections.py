import socket
import threading
from contextlib import contextmanager

import pytest

from service.channels import Ambiguous, NotAccepted
from service.channels.transport import Transport
from service.rules.retries import Patience

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server(*answers, stays=False):
    """Gives these bytes for each request, one after the other, and then hangs up unless it `stays`."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked = []

    def answer():
        for said in answers:
            taken, _ = listener.accept()
            with taken:
                for part in said:
                    request = taken.recv(65_536)
                    if not request:
                        break
                    asked.append(request)
                    taken.sendall(part)
                if stays:
                    taken.recv(1)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a?b=c", asked
    finally:
        listener.close()


@pytest.fixture
def transport():
    return Transport(Patience(deadline=1.0))


def ask(transport, url):
    return transport.call("POST", url, {"X-One": "1"}, b"body")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nas of old", b"as of old"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
    ],
)
def test_an_answer_is_read_to_its_end_however_that_is_told(transport, answer, body):
    with server([answer]) as (url, _):
        assert ask(transport, url).body == body


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"not HTTP at all\r\n\r\n",
        OK + OK,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_whole_is_a_question(transport, answer):
    with server([answer]) as (url, _), pytest.raises(Ambiguous):
        ask(transport, url)


def test_a_connection_that_was_closed_meanwhile_is_not_used(transport):
    with server([OK], [OK]) as (url, asked):
        assert ask(transport, url).body == b"ok"
        threading.Event().wait(0.05)
        assert ask(transport, url).body == b"ok"

    assert len(asked) == 2


def test_one_connection_serves_many_requests(transport):
    with server([OK, OK, OK]) as (url, asked):
        assert [ask(transport, url).body for _ in range(3)] == [b"ok"] * 3

    assert asked[0].startswith(b"POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert asked[0].endswith(b"\r\nContent-Length: 4\r\nX-One: 1\r\n\r\nbody")


def test_names_of_headers_are_told_in_one_way(transport):
    with server([b"HTTP/1.1 429 No\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n"]) as (url, _):
        assert ask(transport, url).headers["Retry-After"] == "7"


def test_no_header_ends_early(transport):
    with pytest.raises(ValueError, match="line break"):
        transport.call("POST", "http://127.0.0.1:9/", {"X-One": "1\r\nX-Two: 2"}, None)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70, "[::1]:1"])
def test_where_there_is_nobody_nothing_arrived(transport, host):
    with pytest.raises(NotAccepted):
        ask(transport, f"http://{host}/")
