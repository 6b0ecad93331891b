import socket
import threading
import time
from contextlib import contextmanager

import pytest

from service.channels import Ambiguous, HeldUp, NotAccepted
from service.channels.side_by_side import SideBySide, each
from service.channels.transport import Transport
from service.rules.retries import Patience

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def provider(answer):
    """Each connection is answered in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:

        def take_all():
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(taken,), daemon=True).start()

        threading.Thread(target=take_all, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)


def after(seconds):
    def answer(taken):
        with taken:
            while taken.recv(65_536):
                time.sleep(seconds)
                taken.sendall(OK)

    return answer


def asking(transport, url, body=b""):
    def ask(_):
        try:
            return transport.call("POST", url, {}, body).body
        except (Ambiguous, NotAccepted) as error:
            return type(error)

    return ask


@pytest.fixture
def transport():
    return Transport(Patience(deadline=2.0))


def test_fifty_calls_take_as_long_as_one(transport):
    with provider(after(0.2)) as url:
        began = time.monotonic()
        answers = each(asking(transport, url), range(50))
        took = time.monotonic() - began

    assert (answers, took < 50 * 0.2 / 3) == ([b"ok"] * 50, True)


def test_what_each_returns_is_in_the_order_in_which_it_was_asked(transport):
    with provider(after(0.0)) as quick, provider(after(0.3)) as slow:
        assert each(lambda url: asking(transport, url)(0) and url, [slow, quick]) == [slow, quick]


def test_one_that_is_never_answered_holds_up_no_other_and_is_a_question_in_the_end():
    transport = Transport(Patience(deadline=0.3))
    with provider(after(9)) as silent, provider(after(0.0)) as url:
        assert each(lambda url: asking(transport, url)(0), [silent, url]) == [Ambiguous, b"ok"]


def test_a_name_that_is_long_looked_up_holds_up_no_other_call(transport, monkeypatch):
    ready, look_up = threading.Event(), socket.create_connection

    def slowly(address, *others, **named):
        if address[0] == "slow.invalid":
            ready.wait(5)
            raise OSError("nobody knows it")
        return look_up(address, *others, **named)

    monkeypatch.setattr(socket, "create_connection", slowly)

    def ask(url):
        said = asking(transport, url)(0)
        ready.set()
        return said

    with provider(after(0.0)) as url:
        assert each(ask, ["http://slow.invalid/", url]) == [NotAccepted, b"ok"]


@pytest.fixture
def slow_to_connect(monkeypatch):
    connect = socket.create_connection

    def slowly(*where, **how):
        time.sleep(0.3)
        return connect(*where, **how)

    monkeypatch.setattr(socket, "create_connection", slowly)


def test_it_can_be_waited_for_that_each_has_asked(transport, slow_to_connect):
    asked = []

    def note(taken):
        asked.append(taken.recv(65_536))
        after(0.5)(taken)

    calls = SideBySide()
    with provider(note) as url:
        for _ in range(3):
            calls.begin(lambda: asking(transport, url)(0), time.monotonic() + 5)
        none_yet = list(asked)
        calls.wait_until_asked()
        time.sleep(0.1)

    assert (none_yet, len(asked)) == ([], 3)


def test_what_has_not_asked_in_time_never_asks(transport, slow_to_connect):
    asked, found = [], []
    calls = SideBySide()

    def note(taken):
        with taken:
            asked.append(taken.recv(65_536))

    with provider(note) as url:
        calls.begin(lambda: found.append(asking(transport, url)(0)), time.monotonic() + 0.1)
        calls.wait_until_asked()
        none_yet = list(found)
        while not found:
            calls.go_on(time.monotonic() + 1)
        time.sleep(0.1)

    assert (none_yet, found, asked) == ([], [HeldUp], [])


def test_a_call_may_ask_more_than_once_however_late(transport):
    found = []
    calls = SideBySide()

    def ask_twice():
        found.extend(asking(transport, url)(0) for _ in range(2))

    with provider(after(0.2)) as url:
        calls.begin(ask_twice, time.monotonic() + 0.3)
        while len(found) < 2:
            calls.go_on(time.monotonic() + 1)

    assert found == [b"ok", b"ok"]


def test_an_answer_that_came_while_this_process_was_held_up_is_not_too_late():
    transport = Transport(Patience(deadline=0.3))
    calls, found = SideBySide(), []
    with provider(after(0.1)) as url:
        asking(transport, url)(0)  # connected
        calls.begin(lambda: found.append(asking(transport, url)(0)))
        time.sleep(0.5)
        calls.go_on(time.monotonic())

    assert found == [b"ok"]


def test_a_request_that_does_not_fit_into_the_line_is_sent_whole(transport):
    much = b"x" * 30_000_000
    received = []

    def read_slowly(taken):
        with taken:
            left = len(much)
            while left > 0:
                part = taken.recv(1_000_000)
                received.append(len(part.rpartition(b"\r\n\r\n")[2]))
                left -= received[-1]
            taken.sendall(OK)

    with provider(read_slowly) as url:
        assert each(asking(transport, url, much), [0]) == [b"ok"]
    assert sum(received) == len(much)


def test_what_a_call_raises_is_raised_where_it_goes_on(transport):
    calls = SideBySide()

    def fail():
        transport.call("GET", url, {}, None)
        raise KeyboardInterrupt

    with provider(after(0.1)) as url:
        asking(transport, url)(0)  # connected
        calls.begin(fail)
        with pytest.raises(KeyboardInterrupt):
            calls.go_on(time.monotonic() + 5)


def test_a_call_alone_waits_by_itself(transport):
    with provider(after(0.1)) as url:
        assert asking(transport, url)(0) == b"ok"
