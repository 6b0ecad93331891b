"""A request of granian's, as WSGI has it."""

from types import SimpleNamespace

import pytest
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request, Response

from service.web.bridge import answer, environ_of
from tests.web.through_front import RequestHeaders


def scope(*headers, **other):
    given = {
        "method": "POST",
        "path": "/",
        "query_string": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": "127.0.0.1:8000",
        "client": "10.1.2.3:50000",
        "authority": None,
    }
    return SimpleNamespace(headers=RequestHeaders(Headers(headers)), **{**given, **other})


def request(*headers, body=b"", **other):
    return Request(environ_of(scope(*headers, **other), body))


def test_a_path_and_a_query_of_any_letters_are_what_they_were():
    asked = request(path="/grupo/ñandú/a b", query_string="q=%C3%A9&b=é")

    assert (asked.path, asked.args["q"], asked.args["b"]) == ("/grupo/ñandú/a b", "é", "é")
    assert asked.query_string == "q=%C3%A9&b=é".encode()


def test_headers_that_come_twice_are_joined_and_a_length_is_taken_once():
    asked = request(
        ("X-Forwarded-For", "1.1.1.1"),
        ("X-Forwarded-For", "2.2.2.2, 3.3.3.3"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2; c=3"),
        ("Content-Type", "text/plain"),
        ("Content-Type", "text/html"),
    )

    assert asked.access_route == ["1.1.1.1", "2.2.2.2", "3.3.3.3"]
    assert asked.cookies.to_dict() == {"a": "1", "b": "2", "c": "3"}
    assert asked.mimetype == "text/plain"


def test_a_header_with_an_underscore_does_not_pass_for_the_proxys_own():
    asked = request(
        ("X-Forwarded-For", "1.1.1.1"), ("X_Forwarded_For", "6.6.6.6"), ("Content_Length", "3"), body=b"abcd"
    )

    assert (asked.access_route, asked.get_data()) == (["1.1.1.1"], b"abcd")
    assert request(("X_Forwarded_For", "6.6.6.6")).access_route == ["10.1.2.3"]


@pytest.mark.parametrize(
    ("client", "address"), [("10.1.2.3:50000", "10.1.2.3"), ("[2001:db8::1]:50000", "2001:db8::1")]
)
def test_who_asks_is_known_by_address(client, address):
    assert request(client=client).remote_addr == address


@pytest.mark.parametrize("headers", [[("Content-Length", "3")], [("Transfer-Encoding", "chunked")]])
def test_the_body_is_read_with_or_without_its_length(headers):
    assert request(*headers, body=b"abc").get_data() == b"abc"


def test_an_answer_that_comes_in_pieces_is_whole_and_closed():
    closed = []
    made = Response(iter(["one ", "two"]), 203, headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    made.call_on_close(lambda: closed.append(True))
    whole = answer(made, environ_of(scope(), b""))

    assert (whole.status, whole.body, closed) == (203, b"one two", [True])
    assert [value for name, value in whole.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
