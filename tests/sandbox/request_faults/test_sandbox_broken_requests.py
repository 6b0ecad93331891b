"""Requests that are broken on purpose: each fires as often as planned, and the ledger agrees on what was accepted."""

import json
import threading
import time

import pytest
import requests
from python_http_client import exceptions
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from sandbox import config
from sandbox.box import Box
from tests.patience import eventually
from tests.sandbox.conftest import ALICE
from tests.sandbox.request_faults.conftest import GONE, IMPATIENCE, raised

HELD = {"hold_s": 0.5, "delay_s": 0.5}


@pytest.mark.parametrize(
    ("fault", "args", "raises", "code", "accepted"),
    [
        ("http_429_json", {}, TwilioRestException, 20429, 0),
        ("http_429_html", {}, TwilioRestException, 429, 0),
        ("queue_full", {}, TwilioRestException, 21611, 0),
        ("http_5xx", {"status": 500}, TwilioRestException, 20500, 0),
        ("http_5xx", {"status": 503, "accepted": True}, TwilioRestException, 20503, 1),
        ("http_5xx", {"status": 502, "body": "html", "accepted": True}, TwilioRestException, 502, 1),
        ("http_5xx", {"status": 504, "body": "empty"}, TwilioRestException, 504, 0),
        ("reset_before_accept", {}, GONE, None, 0),
        ("reset_after_accept", {}, GONE, None, 1),
        ("timeout_before_accept", HELD, GONE, None, 0),
        ("timeout_after_accept", HELD, GONE, None, 1),
        ("accept_late", HELD, GONE, None, 1),
        ("truncated_json", {}, json.JSONDecodeError, None, 1),
        ("not_json", {}, json.JSONDecodeError, None, 1),
        ("wrong_status", {"status": 302}, TwilioRestException, 302, 0),
        ("auth_revoked", {}, TwilioRestException, 20003, 0),
        ("rfc9457_error", {}, TwilioServiceException, 20503, 0),
    ],
)
def test_a_text_breaks_as_planned_and_as_often(sandbox, send, impatient, fault, args, raises, code, accepted):
    sandbox.fault(fault, times=3, args=args)

    errors = [raised(impatient if args is HELD else send, f"number {n}") for n in range(3)]

    assert [isinstance(error, raises) for error in errors] == [True] * 3
    assert {getattr(error, "code", None) for error in errors} == {code}
    assert send("after all that").sid
    assert eventually(lambda: _told_of(sandbox, fault), [0] * 3 * accepted) == [0] * 3 * accepted
    assert sandbox.get("faults")["faults"][0]["fired"] == 3


def _told_of(sandbox, fault: str) -> list[int | None]:
    """Of each message that the fault was accepted with, whether the client got its answer."""
    return [row["client_got_answer"] for row in sandbox.accepted() if row["fault"] == fault]


def test_an_empty_201_raises_nothing_and_names_nothing(sandbox, send):
    sandbox.fault("empty_201", times=1)

    assert send().sid is None
    assert eventually(lambda: _told_of(sandbox, "empty_201"), [0]) == [0]


@pytest.mark.parametrize(
    ("fault", "args", "raises", "accepted"),
    [
        ("http_429_json", {}, exceptions.TooManyRequestsError, 0),
        ("http_5xx", {"status": 500}, exceptions.InternalServerError, 0),
        ("http_5xx", {"status": 503, "accepted": True}, exceptions.ServiceUnavailableError, 1),
        ("reset_before_accept", {}, OSError, 0),
        ("reset_after_accept", {}, OSError, 1),
        ("timeout_before_accept", HELD, OSError, 0),
        ("timeout_after_accept", HELD, TimeoutError, 1),
        ("accept_late", HELD, TimeoutError, 1),
        ("auth_revoked", {"kind": "grant"}, exceptions.UnauthorizedError, 0),
        ("auth_revoked", {"kind": "credits"}, exceptions.UnauthorizedError, 0),
        ("auth_revoked", {"kind": "403"}, exceptions.ForbiddenError, 0),
        ("wrong_status", {"status": 307}, exceptions.HTTPError, 0),
    ],
)
def test_a_mail_breaks_as_planned_and_as_often(sandbox, sendgrid, payload, fault, args, raises, accepted):
    sandbox.fault(fault, times=2, args=args)
    sendgrid.client.timeout = IMPATIENCE if args is HELD else 10

    errors = [raised(sendgrid.send, payload(reference=f"m{n}")) for n in range(2)]

    assert [isinstance(error, raises) for error in errors] == [True, True]
    sendgrid.client.timeout = 10
    assert sendgrid.send(payload()).status_code == 202
    assert eventually(lambda: _told_of(sandbox, fault), [0] * 2 * accepted) == [0] * 2 * accepted


def test_a_mail_whose_answer_has_no_name_was_accepted_all_the_same(sandbox, sendgrid, payload):
    sandbox.fault("empty_201", times=1)

    answer = sendgrid.send(payload())

    assert "X-Message-Id" not in answer.headers
    assert len(sandbox.accepted()) == 1


def test_of_a_hundred_that_time_out_before_none_is_accepted_and_after_all_are(sandbox, twilio_as):
    sandbox.post(
        "faults",
        [
            {"fault": "timeout_before_accept", "match": {"body": "before*"}, "args": {"hold_s": 0.3}},
            {"fault": "timeout_after_accept", "match": {"body": "after*"}, "args": {"hold_s": 0.3}},
        ],
    )

    def send_some(which: str) -> None:
        for number in range(20):
            error = raised(lambda body: impatient.messages.create(to=ALICE, from_=config.NUMBER, body=body),
                           f"{which} {threading.get_ident()} {number}")  # fmt: skip
            assert isinstance(error, GONE)

    impatient = twilio_as(timeout=0.05)
    threads = [threading.Thread(target=send_some, args=(which,)) for which in ("before", "after") for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def counted() -> tuple[int, int]:
        bodies = [row["body"].split()[0] for row in sandbox.accepted()]
        return bodies.count("before"), bodies.count("after")

    assert eventually(counted, (0, 100)) == (0, 100)


def test_late_acceptance_comes_after_the_client_gave_up(sandbox, impatient):
    sandbox.fault("accept_late", args={"delay_s": 2}, times=1)
    assert isinstance(raised(impatient), GONE)
    gave_up = time.time()
    assert sandbox.accepted() == []

    assert eventually(lambda: len(sandbox.accepted()), 1) == 1
    assert sandbox.accepted()[0]["t_real"] > gave_up


def test_a_slow_body_outlasts_a_clients_time_out(sandbox, twilio_as):
    sandbox.fault("slow_body", args={"seconds_per_byte": 0.003}, times=1)
    started = time.monotonic()
    twilio_as(timeout=1.5).messages.create(to=ALICE, from_=config.NUMBER, body="Hello")

    assert time.monotonic() - started > 1.5


def test_a_429_says_when_to_come_back_only_if_the_plan_does(sandbox, twilio):
    url = f"https://api.twilio.com/2010-04-01/Accounts/{config.ACCOUNT}/Messages.json"
    data = {"To": ALICE, "From": config.NUMBER, "Body": "Hello"}
    sandbox.fault("http_429_json", times=1)
    sandbox.fault("http_429_json", times=1, args={"retry_after": 7, "reset": 1_800_000_000})

    plain, told = (twilio.request("POST", url, data=data) for _ in range(2))

    assert "Retry-After" not in plain.headers
    assert (told.headers["Retry-After"], told.headers["X-RateLimit-Reset"]) == ("7", "1800000000")


def test_a_refused_connection_is_refused_and_comes_back(sandbox, twilio_as):
    sandbox.post("reset", {})
    client = twilio_as(timeout=2)
    sandbox.fault("connect_refused", args={"seconds": 3})
    deadline = time.monotonic() + 30
    outcomes = []
    while time.monotonic() < deadline and (not any(outcomes) or outcomes[-1] is not None):
        outcomes.append(raised(lambda: client.messages.create(to=ALICE, from_=config.NUMBER, body="Hello")))
        time.sleep(0.05)

    assert any(isinstance(error, requests.exceptions.ConnectionError) for error in outcomes)
    assert outcomes[-1] is None


def test_a_closed_door_does_not_hold_up_the_end(tmp_path):
    started = time.monotonic()
    with Box(tmp_path) as box:
        box.world.close_doors(60)
        time.sleep(0.1)

    assert time.monotonic() - started < 20


def test_lists_can_be_down(sandbox, text, twilio):
    text()
    sandbox.fault("api_list_down", times=1)

    with pytest.raises(TwilioException):
        twilio.messages.list(to=ALICE)
    assert len(twilio.messages.list(to=ALICE)) == 1


def test_lists_can_lag_behind(sandbox, text, twilio):
    text()
    sandbox.fault("list_stale", args={"lag_s": 60})

    assert twilio.messages.list(to=ALICE) == []
    sandbox.advance(61)
    assert len(twilio.messages.list(to=ALICE)) == 1


def test_the_callback_can_overtake_the_answer(sandbox, text, app):
    sandbox.fault("cb_before_response", times=1)
    sent = text()

    assert app.statuses() == ["sent"]
    assert app.calls[0].form["MessageSid"] == sent.sid
    sandbox.settle()
    assert app.statuses() == ["sent", "delivered"]
