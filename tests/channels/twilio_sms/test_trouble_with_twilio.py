"""Each answer of Twilio is the right trouble: refused, not accepted, or a question."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from service.channels import AddressRefused, Ambiguous, ChannelDown, ChannelError, NotAccepted, Refused, twilio_codes
from tests.channels.twilio_sms.conftest import MESSAGE, accepted, error_body

CODES = json.loads((Path(__file__).parents[2] / "vectors" / "twilio_error_codes.json").read_text("utf-8"))["codes"]
ANSWERED = [row for row in CODES if "api_response" in row["seen_in"]]
BY_CLASS = {
    "suppress": AddressRefused,
    "config": ChannelDown,
    "transient": NotAccepted,
    "permanent": Refused,
    "ambiguous": Ambiguous,
}
EXCEPTIONS = {20404: ChannelDown}
"""Of a sending it means that the account is not ours, whatever a look-up means by it."""


def http_status(row):
    return int(str(row["http_status"] or "400")[:3])


@pytest.mark.parametrize("row", ANSWERED, ids=[str(row["code"]) for row in ANSWERED])
def test_each_code_of_twilio_is_the_right_trouble(sms, stand_in, row):
    status = http_status(row)
    stand_in.answer = lambda asked: asked.say(status, error_body(row["code"], status))

    with pytest.raises(ChannelError) as raised:
        sms.send(MESSAGE)
    wanted = EXCEPTIONS.get(row["code"], BY_CLASS[row["class"]])
    assert type(raised.value) is wanted
    assert str(row["code"]) in str(raised.value) or wanted is Ambiguous


@pytest.mark.parametrize("row", CODES, ids=[str(row["code"]) for row in CODES])
def test_no_code_is_sorted_twice(row):
    sets = (twilio_codes.ADDRESS, twilio_codes.MESSAGE, twilio_codes.LATER, twilio_codes.UNCLEAR, twilio_codes.ACCOUNT)

    assert sum(row["code"] in codes for codes in sets) <= 1


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(400, Refused), (401, ChannelDown), (403, ChannelDown), (404, ChannelDown), (500, Ambiguous), (502, Ambiguous)],
)
def test_a_code_that_we_do_not_know_is_sorted_by_its_status(sms, stand_in, status, trouble):
    stand_in.answer = lambda asked: asked.say(status, error_body(99999, status))

    with pytest.raises(trouble):
        sms.send(MESSAGE)


@pytest.mark.parametrize("code", sorted(twilio_codes.UNCLEAR))
def test_a_code_that_says_nothing_of_acceptance_is_no_refusal_under_any_status(sms, stand_in, code):
    stand_in.answer = lambda asked: asked.say(400, error_body(code))

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[]", b"null", b'"no"', b"{"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_without_a_code_may_have_been_accepted(sms, stand_in, status, body):
    stand_in.answer = lambda asked: asked.say(status, body)

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"7", b'{"sid": null}', b"{}", accepted()[:-9]])
@pytest.mark.parametrize("status", [200, 201])
def test_an_acceptance_that_cannot_be_read_is_a_question(sms, stand_in, status, body):
    stand_in.answer = lambda asked: asked.say(status, body)

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(sms, stand_in, status):
    stand_in.answer = lambda asked: asked.say(status, b"", Location="/elsewhere")

    with pytest.raises(ChannelError):
        sms.send(MESSAGE)
    assert len(stand_in.requests) == 1


@pytest.mark.parametrize("body", [error_body(20429, 429), b"<html>429 Too Many Requests</html>", b""])
def test_too_many_requests_were_certainly_not_accepted(sms, stand_in, body):
    stand_in.answer = lambda asked: asked.say(429, body, Retry_After="7")

    with pytest.raises(NotAccepted) as raised:
        sms.send(MESSAGE)
    assert raised.value.retry_after == timedelta(seconds=7)


def test_a_full_queue_is_left_alone_for_minutes(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(429, error_body(21611, 429))

    with pytest.raises(NotAccepted) as raised:
        sms.send(MESSAGE)
    assert raised.value.retry_after == timedelta(minutes=5)


def test_a_request_is_never_repeated_by_the_transport(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(503, b"")

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)
    assert len(stand_in.requests) == 1


def test_the_errors_words_hold_no_address_and_no_text(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(
        400, json.dumps({"code": 21211, "message": "The number +12125550101 is bad", "status": 400}).encode()
    )

    with pytest.raises(AddressRefused) as raised:
        sms.send(MESSAGE)
    assert str(raised.value) == "Twilio 21211"
