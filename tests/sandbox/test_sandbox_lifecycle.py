"""What becomes of a message after it was taken over, and what the application is told of it."""

import pytest
from twilio.request_validator import RequestValidator

from sandbox import config
from sandbox.twilio import callbacks
from sandbox.twilio.messages import Text

ALICE = "+12025550143"


def test_a_message_is_sent_and_then_delivered(sandbox, text, twilio, app):
    sent = text()
    sandbox.settle()

    assert app.statuses() == ["sent", "delivered"]
    assert twilio.messages(sent.sid).fetch().status == "delivered"


def test_a_messaging_service_is_told_of_the_queue_first(sandbox, text, app):
    text(messaging_service_sid=config.SERVICE)
    sandbox.settle()

    assert app.statuses() == ["queued", "sent", "delivered"]
    assert app.calls[0].form["MessagingServiceSid"] == config.SERVICE


def test_callbacks_are_signed_over_the_query(sandbox, text, app):
    text(reference="delivery-7")
    sandbox.settle()
    validator = RequestValidator(config.TOKEN)

    assert all(call.url.endswith("?m=delivery-7") for call in app.calls)
    assert all(validator.validate(call.url, call.form, call.headers["X-Twilio-Signature"]) for call in app.calls)
    assert len({call.headers["I-Twilio-Idempotency-Token"] for call in app.calls}) == 2


@pytest.mark.parametrize("number", ["3003", "3005", "3007", "3008"])
def test_a_doomed_number_is_not_delivered_to(sandbox, text, app, number):
    text(f"+1500555{number}")
    sandbox.settle()

    last = app.calls[-1].form
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", f"30{number[1:]}")


@pytest.mark.parametrize("number", ["3034", "3032", "3010"])
def test_some_trouble_comes_before_sending(sandbox, text, app, number):
    text(f"+1500555{number}")
    sandbox.settle()

    assert app.statuses() == ["failed"]


def test_some_carriers_never_report(sandbox, text, app):
    text("+15005559000")
    sandbox.settle()

    assert app.statuses() == ["sent"]


def test_three_of_a_hundred_never_hear_of_delivery(sandbox, text, app):
    sandbox.box.world.config.no_receipt = 0.03
    sandbox.box.world.config.latency = "none"
    for number in range(200):
        text(f"+1202555{1000 + number}")
    sandbox.settle()

    assert 185 <= app.statuses().count("delivered") < 200


def test_a_number_sends_a_segment_a_second(sandbox, text, twilio):
    for number in range(30):
        text(body=f"number {number}")
    sandbox.advance(15)

    waiting = [one for one in twilio.messages.list() if one.status == "queued"]
    assert 10 <= len(waiting) <= 16


def test_a_longer_message_takes_longer(sandbox, text):
    text(body="x" * 300)

    assert sandbox.get("state")["queued_seconds"][config.NUMBER] == pytest.approx(2.0)


def test_a_message_that_waited_too_long_fails(sandbox, text, app):
    for _ in range(5):
        text(body="x" * 1500)
    text(body="too late", validity_period=10, reference="late")
    sandbox.settle()

    late = [call.form for call in app.calls if call.url.endswith("m=late")]
    assert [(one["MessageStatus"], one["ErrorCode"]) for one in late] == [("failed", "30036")]


def test_each_state_is_in_the_ledger(sandbox, text):
    sent = text()
    sandbox.settle()

    states = [row["status"] for row in sandbox.get("ledger")["state_changes"] if row["provider_id"] == sent.sid]
    assert states == ["sending", "sent", "delivered"]


def test_a_test_can_force_a_state(sandbox, text, twilio):
    sent = text()
    sandbox.post(f"events/{sent.sid}", {"status": "undelivered", "error": 30005})
    sandbox.settle()

    found = twilio.messages(sent.sid).fetch()
    assert (found.status, found.error_code) == ("undelivered", 30005)


def test_callbacks_have_the_fields_of_real_ones(status_callbacks_of_twilio_inbound_sample, sandbox):
    """Byte-equal where nothing is left to chance."""
    recorded = status_callbacks_of_twilio_inbound_sample
    told = recorded["params"]
    message = Text(
        sid=told["MessageSid"],
        account=told["AccountSid"],
        to=told["To"],
        sender=told["From"],
        body="",
        direction="outbound-api",
        status=told["MessageStatus"],
        created=0,
        segments=1,
        service=told.get("MessagingServiceSid"),
    )
    error = int(told["ErrorCode"]) if "ErrorCode" in told else None

    ours = callbacks.params(sandbox.box.world, message, told["MessageStatus"], error, 0)

    by_chance = {"RawDlrDoneDate", "SomeNewParam"}
    assert [pair for pair in ours if pair[0] not in by_chance] == [
        pair for pair in told.items() if pair[0] not in by_chance
    ]
