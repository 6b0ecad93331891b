"""What is sent to us is waited for, but not for ever, and not without end."""

from types import SimpleNamespace

import pytest
from werkzeug.datastructures import Headers

from service.web.bodies import LARGEST, MOST, SMALL, Bodies, Refused
from tests.patience import finished
from tests.web.through_front import Exchange, RequestHeaders

PATIENCE = 0.3
PIECE = b"x" * 70_000


def asked(path="/groups/import", **headers):
    given = Headers([(name.replace("_", "-"), str(value)) for name, value in headers.items()])
    return SimpleNamespace(path=path, headers=RequestHeaders(given))


def sized(size, path="/groups/import"):
    return asked(path, Content_Length=size)


CHUNKED = asked(Transfer_Encoding="chunked")


class BrokenOff(Exchange):
    """Its sender goes away before the end."""

    async def __aiter__(self):
        for piece in (*self._pieces, b"", b""):
            yield piece


async def read(scope, exchange, bodies=None):
    try:
        return await (bodies or Bodies(PATIENCE)).read(scope, exchange)
    except Refused as refused:
        return refused.status


def taken(scope, exchange):
    return finished(read(scope, exchange))


@pytest.mark.parametrize("scope", [sized(3), sized(len(PIECE)), CHUNKED], ids=["small", "large", "chunked"])
def test_one_that_does_not_come_in_time_is_refused(scope):
    assert taken(scope, Exchange([b"abc"], pause=2 * PATIENCE)) == 408


@pytest.mark.parametrize("scope", [sized(8 * len(PIECE)), CHUNKED], ids=["by length", "chunked"])
def test_one_that_keeps_coming_is_waited_for(scope):
    assert taken(scope, Exchange([PIECE] * 8, pause=PATIENCE / 3)) == PIECE * 8


@pytest.mark.parametrize("scope", [sized(SMALL + 100), CHUNKED], ids=["by length", "chunked"])
def test_one_that_trickles_is_not(scope):
    assert taken(scope, Exchange([b"x"] * 100, pause=PATIENCE / 10)) == 408


def test_where_there_is_none_nobody_waits():
    assert taken(asked(), Exchange(pause=60)) == b""


@pytest.mark.parametrize(
    ("path", "most"), [("/groups/import", LARGEST), ("/webhooks/twilio/status", 1_000_000), ("/me/x", LARGEST)]
)
def test_one_that_is_too_large_is_not_read(path, most):
    assert taken(sized(most + 1, path), Exchange(pause=60)) == b""
    assert len(taken(sized(most, path), Exchange([b"x" * most]))) == most


def test_one_that_is_too_large_and_does_not_say_so_is_read_as_far_as_shows_it():
    body = taken(CHUNKED, Exchange([PIECE] * 1000))

    assert LARGEST < len(body) <= LARGEST + len(PIECE)


@pytest.mark.parametrize("scope", [sized(9 * len(PIECE)), CHUNKED], ids=["by length", "chunked"])
def test_one_that_is_broken_off_is_refused(scope):
    assert taken(scope, BrokenOff([PIECE, PIECE])) == 400


def test_those_that_are_large_share_the_memory_until_they_are_worked_on():
    async def several():
        bodies = Bodies(PATIENCE, most=3 * len(PIECE))
        first = await read(sized(2 * len(PIECE)), Exchange([PIECE] * 2), bodies)
        full = [await read(scope, Exchange([PIECE] * 2), bodies) for scope in (sized(2 * len(PIECE)), CHUNKED)]
        small = await read(sized(3), Exchange([b"abc"]), bodies)
        late = await read(CHUNKED, Exchange([PIECE], pause=2 * PATIENCE), bodies)
        bodies.release(first)
        again = await read(sized(3 * len(PIECE)), Exchange([PIECE] * 3), bodies)
        return full, small, late, len(again)

    assert finished(several()) == ([503, 503], b"abc", 408, 3 * len(PIECE))


def test_the_memory_is_enough_for_every_thread_at_a_page():
    assert MOST > 10 * LARGEST
