"""The web process at its sockets: slow senders, nonsense, a crowd of reports, and its end."""

import re
import signal
import socket
import threading
import time
import urllib.request
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from bench import callers
from service.models import Delivery
from service.rules.lifecycle import State
from service.web.bodies import PATIENCE
from service.web.front import THREADS
from tests import builders
from tests.web.serving import serving, until

PUBLIC, TOKEN = "https://groups.example.org", "12345"
TO_US = b"Host: groups.example.org\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /sign-in HTTP/1.1\r\n" + TO_US + FORM
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def environ(environ):
    return {**environ, "PUBLIC_URL": PUBLIC}


@pytest.fixture
def web(parts, environ, tmp_path):
    with serving(environ, tmp_path) as one:
        yield one


def page(web):
    with urllib.request.urlopen(f"{web.url}/sign-in", timeout=30) as answer:
        return answer.status


def is_waited_for(connection):
    """Nothing has been said to it, not even goodbye."""
    connection.setblocking(False)
    try:
        return connection.recv(1) is None
    except BlockingIOError:
        return True


def all_of(connection, patience):
    """What comes until the other side closes, or says nothing for so many seconds."""
    connection.settimeout(patience)
    told = b""
    try:
        while piece := connection.recv(65_536):
            told += piece
    except OSError:
        pass
    return told


@builders.on_sqlite
def test_pages_do_not_wait_for_those_who_never_end_what_they_send(web):
    begun = [
        b"POST %s HTTP/1.1\r\n" % path + TO_US + FORM + b"Content-Length: %d\r\n\r\nabc" % size
        for path in (b"/sign-in", b"/webhooks/twilio/status?m=1", b"/webhooks/sendgrid/inbound")
        for size in (1_000, 500_000)
    ]
    begun.append(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n")
    page(web)
    slow = [web.connect(begun[number % len(begun)]) for number in range(120)]
    pages = [page(web) for _ in range(3)]
    waiting = [is_waited_for(connection) for connection in slow]
    answers = [all_of(connection, 3 * PATIENCE) for connection in slow]

    assert pages == [200] * 3
    assert all(waiting), "the pages were there first"
    assert {STATUS.match(answer)[1] for answer in answers} == {b"408"}
    assert b"did not arrive in time" in answers[0]
    assert answers[2].endswith(b"\r\n\r\n"), "without words to a provider"


def chunked(body):
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + body


GET = b"GET /healthz HTTP/1.1\r\n" + TO_US
NONSENSE = {
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\na=bcd", {b"400"}),
    "the same length twice": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b", {b"400"}),
    "a length and chunks": (
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n",
        {b"400"},
    ),
    "a chunk of no size": (chunked(b"zz\r\na=b\r\n0\r\n\r\n"), {b"400"}),
    "a chunk of endless size": (chunked(b"ffffffffffffffffff\r\na=b"), {b"400"}),
    "a chunk of less than nothing": (chunked(b"-1\r\na=b"), {b"400"}),
    "a length of letters": (POST + b"Content-Length: abc\r\n\r\n", {b"400"}),
    "a length of less than nothing": (POST + b"Content-Length: -1\r\n\r\n", {b"400"}),
    "a length of Arabic digits": (POST + "Content-Length: ٣\r\n\r\na=b".encode(), {b"400"}),
    "a length beyond numbers": (POST + b"Content-Length: 1180591620717411303424\r\n\r\na=b", {b"400"}),
    "900 MB": (POST + b"Content-Length: 900000000\r\n\r\na=b", {b"413"}),
    "zipped": (POST + b"Transfer-Encoding: gzip\r\n\r\nabc", {b"400"}),
    "many headers": (GET + b"".join(b"X-%d: y\r\n" % number for number in range(5_000)) + b"\r\n", {b"431"}),
    "a long header": (GET + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", {b"431"}),
    "a long address": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + TO_US + b"\r\n", {b"414"}),
    "an address of bytes": (b"GET /\xff\xfe HTTP/1.1\r\n" + TO_US + b"\r\n", {b"400"}),
    "an address of escapes": (b"GET /%zz%ff%00 HTTP/1.1\r\n" + TO_US + b"\r\n", {b"404"}),
    "headers of bytes": (GET + b"Cookie: staff=\xff\r\nX-Forwarded-For: \xe9\r\nUser-Agent: \xff\r\n\r\n", {b"200"}),
    "two names": (GET + b"Host: evil.example\r\n\r\n", {b"400"}),
    "no name": (b"GET /healthz HTTP/1.1\r\n\r\n", {b"400"}),
    "an old version": (b"GET /healthz HTTP/1.0\r\n" + TO_US + b"\r\n", {b"200"}),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 300, {b"400"}),
    "an unknown method": (b"FOO /sign-in HTTP/1.1\r\n" + TO_US + b"\r\n", {b"405"}),
    "many at once": (GET + b"\r\n" + POST + b"Content-Length: 3\r\n\r\na=b" + GET + b"\r\n", {b"200", b"400"}),
}
SHORT = {
    "short of its length": POST + b"Content-Length: 30\r\n\r\na=b",
    "short of its last chunk": chunked(b"3\r\na=b\r\n"),
    "short of its headers": GET,
    "one letter": b"G",
    "nothing": b"",
}


@builders.on_sqlite
def test_nonsense_is_never_a_mistake_of_ours_and_costs_no_thread(web):
    told = {}
    for name, (sent, _) in NONSENSE.items():
        with web.connect(sent) as connection:
            told[name] = set(STATUS.findall(all_of(connection, 0.7)))
    for sent in [*SHORT.values()] * THREADS:  # were each to cost one, there would be none left for a page
        for how in (socket.SHUT_WR, socket.SHUT_RDWR):
            with web.connect(sent) as connection:
                connection.shutdown(how)
                assert set(STATUS.findall(all_of(connection, 5))) <= {b"400"}

    assert told == {name: statuses for name, (_, statuses) in NONSENSE.items()}
    assert page(web) == 200
    assert "Traceback" not in web.said.read_text()


def texts(parts, count):
    """Accepted, under the names that the reports say."""
    with parts.open_db() as db:
        about, who = builders.session(db, builders.group(db)), builders.member(db)
        sent = {"state": State.ACCEPTED, "attempts": 1}
        dues = [builders.NOW.replace(microsecond=number) for number in range(count)]
        rows = [builders.delivery(db, who, about, due_at=due, **sent) for due in dues]
        for row in rows:
            row.provider_id = callers.name_of(str(row.id))
        return [str(row.id) for row in rows]


def delivered(parts):
    with parts.read_db() as db:
        return {str(one) for one in db.scalars(select(Delivery.id).where(Delivery.state == State.DELIVERED))}


def signed(one, note):
    """A report's headers, and its body."""
    form = {"MessageSid": callers.name_of(one), "MessageStatus": "delivered", "Note": note}
    path = f"/webhooks/twilio/status?m={one}"
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, form)
    head = f"POST {path} HTTP/1.1\r\nX-Twilio-Signature: {signature}\r\nConnection: close\r\n"
    return head.encode() + TO_US + FORM, urlencode(form).encode()


@pytest.mark.parametrize("note", ["", "x" * 300, "x" * 300_000], ids=["plain", "longer", "large"])
@builders.on_sqlite
def test_a_report_is_taken_in_whatever_pieces_it_comes(parts, web, note):
    ids = texts(parts, 3)
    (head, whole), (chunk_head, chunks), (slow_head, slow) = (signed(one, note) for one in ids)
    at_once = web.connect(head + b"Content-Length: %d\r\n\r\n" % len(whole) + whole)
    in_chunks = web.connect(chunk_head + b"Transfer-Encoding: chunked\r\n\r\n")
    in_pieces = web.connect(slow_head + b"Content-Length: %d\r\n\r\n" % len(slow))
    for first in range(0, len(chunks), 50_000):
        piece = chunks[first : first + 50_000]
        in_chunks.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        time.sleep(0.02)
    in_chunks.sendall(b"0\r\n\r\n")
    for first in range(0, len(slow), 50_000):
        in_pieces.sendall(slow[first : first + 50_000])
        time.sleep(0.02)

    assert [STATUS.match(all_of(one, 10))[1] for one in (at_once, in_chunks, in_pieces)] == [b"204"] * 3
    assert delivered(parts) == set(ids)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_crowd_of_reports_is_settled_whole(parts, environ, tmp_path, processes):
    ids = texts(parts, 300)
    reports = [callers.signed(PUBLIC, TOKEN, one, status) for status in ("sent", "delivered") for one in ids]
    with serving({**environ, "WEB_CONCURRENCY": processes}, tmp_path) as web:
        answers = callers.call(web.port, reports, 64)

    assert answers == {"204": 600}
    assert delivered(parts) == set(ids)


def test_what_was_answered_is_settled_though_the_process_is_killed(parts, web):
    ids = texts(parts, 600)
    answered = []

    def report_until_it_ends(mine):
        with suppress(OSError):
            for one in mine:
                with web.connect(callers.signed(PUBLIC, TOKEN, one, "delivered")) as connection:
                    if STATUS.match(connection.recv(1_000)):
                        answered.append(one)

    threads = [threading.Thread(target=report_until_it_ends, args=(ids[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) > 100)
    web.process.kill()
    for thread in threads:
        thread.join(30)

    assert 100 < len(answered) < 600
    assert set(answered) <= delivered(parts)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_hand_is_finished_before_it_stops(parts, web, number):
    one = texts(parts, 1)[0]
    with parts.open_db() as db:
        db.scalars(select(Delivery).with_for_update()).all()
        waiting = web.connect(callers.signed(PUBLIC, TOKEN, one, "delivered"))
        asking = web.connect(POST + b"Content-Length: 3\r\n\r\na=")
        time.sleep(0.5)
        web.process.send_signal(number)
        time.sleep(0.5)
        asking.sendall(b"b")
        assert all_of(asking, 10)[9:12] == b"400", "a form that came without a token"
    assert all_of(waiting, 20)[9:12] == b"204"
    assert delivered(parts) == {one}
    assert web.process.wait(60) == 0
