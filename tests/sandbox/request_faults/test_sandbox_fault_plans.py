"""Which requests a plan breaks, and which numbers and mailboxes break by themselves."""

import pytest
import requests
from python_http_client import exceptions
from twilio.base.exceptions import TwilioRestException

from sandbox import config
from tests.patience import eventually
from tests.sandbox.conftest import ALICE, BEN
from tests.sandbox.request_faults.conftest import GONE, IMPATIENCE, raised


def test_a_plan_breaks_only_what_it_names(sandbox, send):
    sandbox.fault("http_429_json", match={"to": "+1202555018*"})

    assert raised(send, "Hello", ALICE) is None
    assert raised(send, "Hello", BEN).status == 429


def test_a_plan_can_wait_for_the_third(sandbox, send):
    sandbox.fault("http_429_json", match={"provider": "twilio", "op": "create", "nth": 3})

    assert [raised(send, f"{n}") is None for n in range(5)] == [True, True, False, True, True]


def test_the_first_plan_that_matches_fires(sandbox, send):
    sandbox.fault("http_429_json", times=1)
    sandbox.fault("auth_revoked", times=1)

    assert [getattr(raised(send, f"{n}"), "status", None) for n in range(3)] == [429, 401, None]


def test_chance_is_the_same_for_the_same_seed(sandbox, send):
    def outcomes() -> list[bool]:
        sandbox.post("reset", {"seed": 7})
        sandbox.fault("http_429_json", probability=0.5)
        return [raised(send, f"{n}") is None for n in range(12)]

    first = outcomes()

    assert outcomes() == first
    assert len(set(first)) == 2


def test_plans_can_be_cleared(sandbox, send):
    sandbox.fault("http_429_json")
    sandbox.delete("faults")

    assert raised(send) is None


@pytest.mark.parametrize("plan", [{"fault": "nonsense"}, {"match": {}}, {"fault": "http_5xx", "colour": 1}, 7])
def test_a_plan_that_makes_no_sense_is_refused(sandbox, plan):
    assert sandbox.refusal("POST", "faults", plan)


@pytest.mark.parametrize(
    ("number", "raises", "accepted"),
    [
        ("9429", TwilioRestException, 0),
        ("9500", TwilioRestException, 0),
        ("9501", TwilioRestException, 1),
        ("9506", GONE, 1),
    ],
)
def test_some_numbers_break_by_themselves(sandbox, send, number, raises, accepted):
    assert isinstance(raised(send, "Hello", f"+1500555{number}"), raises)
    assert len(sandbox.accepted()) == accepted


@pytest.mark.parametrize(("number", "accepted"), [("9504", 1), ("9505", 0)])
def test_some_numbers_keep_one_waiting(sandbox, impatient, number, accepted):
    assert isinstance(raised(impatient, "Hello", f"+1500555{number}"), requests.exceptions.ReadTimeout)
    assert eventually(lambda: len(sandbox.accepted()), accepted) == accepted


@pytest.mark.parametrize(
    ("local", "raises", "accepted"),
    [
        ("x429", exceptions.TooManyRequestsError, 0),
        ("x500", exceptions.InternalServerError, 0),
        ("timeout-accept", TimeoutError, 1),
        ("timeout-drop", TimeoutError, 0),
    ],
)
def test_some_mailboxes_break_by_themselves(sandbox, sendgrid, payload, local, raises, accepted):
    sendgrid.client.timeout = IMPATIENCE if raises is TimeoutError else 10

    assert isinstance(raised(sendgrid.send, payload(f"{local}@a.sandbox.test")), raises)
    assert eventually(lambda: len(sandbox.accepted()), accepted) == accepted


def test_every_api_code_is_raised_by_the_official_client(sandbox, twilio, vectors):
    """Codes that only callbacks or the debugger show are not answers of the API."""
    codes = [one["code"] for one in vectors("twilio_error_codes")["codes"] if "api_response" in one["seen_in"]]
    for code in codes:
        sandbox.fault("refuse", times=1, args={"code": code})
        with pytest.raises(TwilioRestException) as caught:
            twilio.messages.create(to=ALICE, from_=config.NUMBER, body="Hello")
        assert caught.value.code == code
    assert sandbox.accepted() == []
