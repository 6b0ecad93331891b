"""How Twilio calls again, and how it does not."""

import socket
import time

import pytest

from sandbox.twilio.calls import Override

ALICE = "+12025550143"


def attempts(sandbox) -> list[int]:
    return [row["attempt"] for row in sandbox.get("deliveries")["deliveries"] if row["kind"] == "inbound"]


def text_in(sandbox, fragment: str = "") -> None:
    sandbox.post("config", {"inbound_url": sandbox.box.world.config.inbound_url + fragment})
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.advance(0)


def test_a_500_is_not_tried_again(sandbox, app):
    app.answer = lambda _call: (500, {}, b"")
    text_in(sandbox)

    assert attempts(sandbox) == [1]


def test_a_refused_connection_is_tried_once_more(sandbox):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    sandbox.post("config", {"inbound_url": f"http://127.0.0.1:{port}/inbound"})
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.advance(0)

    assert attempts(sandbox) == [1, 2]


def test_a_fragment_asks_for_more(sandbox, app):
    app.answer = lambda _call: (500, {}, b"")
    text_in(sandbox, "#rc=3&rp=5xx,ct")

    assert attempts(sandbox) == [1, 2, 3, 4]
    assert len({call.headers["I-Twilio-Idempotency-Token"] for call in app.calls}) == 1
    assert "#" not in app.calls[0].url


def test_a_slow_answer_is_given_up_on(sandbox, app):
    def slowly(_call):
        time.sleep(0.4)
        return 204, {}, b""

    app.answer = slowly
    text_in(sandbox, "#rt=150")

    assert [row["error"] for row in sandbox.get("deliveries")["deliveries"] if row["kind"] == "inbound"] == ["timeout"]


@pytest.mark.parametrize(("retries", "tries"), [(False, 1), (True, 2)])
def test_whether_a_slow_answer_is_tried_again_can_be_switched(sandbox, app, retries, tries):
    def slowly(_call):
        time.sleep(0.4)
        return 204, {}, b""

    app.answer = slowly
    sandbox.post("config", {"messaging_retry_on_timeout": retries})
    text_in(sandbox, "#rt=150")

    assert len(attempts(sandbox)) == tries


def test_a_text_that_cannot_be_delivered_goes_to_the_fallback(sandbox, app):
    app.answer = lambda call: (500 if "inbound" in call.path else 204, {}, b"")
    sandbox.post("config", {"inbound_fallback_url": f"{app.url}/fallback"})
    text_in(sandbox)

    assert [call.path for call in app.calls] == ["/webhooks/twilio/inbound", "/fallback"]


def test_a_text_that_nobody_took_is_only_in_the_list(sandbox, app, twilio):
    app.answer = lambda _call: (500, {}, b"")
    text_in(sandbox)

    notes = [row["status"] for row in sandbox.get("deliveries")["deliveries"] if row["kind"] == "note"]
    assert notes == [11200]
    assert [one.body for one in twilio.messages.list(from_=ALICE)] == ["C"]


def test_a_redirect_is_not_followed(sandbox, app):
    app.answer = lambda _call: (302, {"Location": "/elsewhere"}, b"")
    text_in(sandbox)

    assert len(app.calls) == 1


def test_a_fragment_is_read_within_its_bounds():
    override = Override.of("http://a.example/#rc=99&rp=all&ct=1&rt=99999&tt=x")

    assert (override.retries, override.connect_ms, override.read_ms, override.total_ms) == (5, 100, 15_000, 15_000)


@pytest.mark.parametrize(("signing", "right", "kind"), [("on", "12345", "valid"), ("second", "67890", "valid")])
def test_calls_are_signed_with_the_token_of_the_day(sandbox, app, signing, right, kind):
    from twilio.request_validator import RequestValidator

    sandbox.post("config", {"signing": signing})
    text_in(sandbox)

    call = app.calls[0]
    assert RequestValidator(right).validate(call.url, call.form, call.headers["X-Twilio-Signature"])
    assert sandbox.get("deliveries")["deliveries"][0]["signature_kind"] == kind


def test_signing_can_be_off(sandbox, app):
    sandbox.post("config", {"signing": "off"})
    text_in(sandbox)

    assert "X-Twilio-Signature" not in app.calls[0].headers
