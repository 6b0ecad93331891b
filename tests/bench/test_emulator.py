import http.client
import json
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from bench.provider import Provider, provider

PATH = "/2010-04-01/Accounts/AC0/Messages.json"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("provider")) as made:
        yield made


@pytest.fixture
def emulator(running: Provider) -> Provider:
    running.reset(delay=0)
    return running


@pytest.fixture
def connection(emulator: Provider) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context(cafile=str(emulator.certificates))
    made = http.client.HTTPSConnection(urlsplit(emulator.url).netloc, context=context, timeout=20)
    yield made
    made.close()


def text(connection, reference):
    callback = f"https://groups.example.org/webhooks/twilio/status?m={reference}"
    connection.request("POST", PATH, urlencode({"To": "+12125550100", "StatusCallback": callback, "Body": "Hello"}))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def mail(connection, reference):
    body = {"personalizations": [{"to": [{"email": "m@example.org"}], "custom_args": {"mid": reference}}]}
    connection.request("POST", "/v3/mail/send", json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_texts_and_mails_are_noted_by_our_id(emulator, connection):
    status, said = text(connection, "a-1")

    assert (status, said["sid"][:2]) == (201, "SM")
    assert mail(connection, "b-2") == 202
    assert [name for name, _ in emulator.accepted()] == ["a-1", "b-2"]


def test_a_message_that_comes_twice_is_counted_twice(emulator, connection):
    for reference in ("a", "b", "a", "a"):
        text(connection, reference)

    assert emulator.count() == {"accepted": 4, "duplicates": 2, "peak": 1}


def test_the_answer_comes_after_the_delay(emulator, connection):
    text(connection, "warm")
    emulator.reset(delay=0.2)
    asked = time.time()
    text(connection, "late")
    took = time.time() - asked

    assert took >= 0.2
    assert emulator.accepted()[0][1] >= asked + 0.2


def test_a_request_in_pieces_is_one_message(emulator, connection):
    body = b"StatusCallback=https%3A%2F%2Fx%3Fm%3Dwhole&Body=" + b"x" * 100_000
    connection.putrequest("POST", PATH)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    for start in range(0, len(body), 9_000):
        connection.send(body[start : start + 9_000])

    assert connection.getresponse().status == 201
    assert [name for name, _ in emulator.accepted()] == ["whole"]
