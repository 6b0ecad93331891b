"""Callbacks, texts and events that come twice, late, out of order, forged, or not at all."""

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from sandbox import config
from sandbox.sendgrid.signature import PUBLIC_KEY, SIGNATURE, TIMESTAMP

ALICE = "+12025550143"


def is_genuine(call, token: str = config.TOKEN) -> bool:
    return RequestValidator(token).validate(call.url, call.form, call.headers.get("X-Twilio-Signature", ""))


@pytest.mark.parametrize(
    ("fault", "args", "statuses"),
    [
        ("cb_duplicate", {"n": 2}, ["sent", "sent", "sent", "delivered"]),
        ("cb_reorder", {}, ["delivered", "sent"]),
        ("cb_delay", {"delay_s": 7200}, ["delivered", "sent"]),
        ("cb_drop", {}, ["delivered"]),
        ("cb_unknown_param", {}, ["sent", "delivered"]),
        ("cb_unknown_status", {}, ["teleported", "sent", "delivered"]),
        ("cb_bad_signature", {}, ["undelivered", "sent", "delivered"]),
        ("cb_old_token", {}, ["sent", "delivered"]),
        ("cb_other_account", {}, ["sent", "sent", "delivered"]),
        ("cb_replay", {"delay_s": 7200}, ["sent", "delivered", "sent"]),
    ],
)
def test_callbacks_come_as_planned(sandbox, text, app, fault, args, statuses):
    sandbox.fault(fault, times=1, args=args)
    text()
    sandbox.settle()

    assert app.statuses() == statuses


def test_a_burst_comes_all_at_once(sandbox, text, app):
    sandbox.fault("cb_burst", times=1, args={"n": 20})
    text()
    sandbox.settle()

    assert app.statuses().count("sent") == 20
    assert len({call.headers["I-Twilio-Idempotency-Token"] for call in app.calls}) == 2


def test_a_new_parameter_is_signed_too(sandbox, text, app):
    sandbox.fault("cb_unknown_param", times=1)
    text()
    sandbox.settle()

    assert app.calls[0].form["SomeNewParam"] == "x"
    assert is_genuine(app.calls[0])


def test_a_forgery_is_signed_wrongly_and_the_real_call_rightly(sandbox, text, app):
    sandbox.fault("cb_bad_signature", times=1)
    text()
    sandbox.settle()

    assert [is_genuine(call) for call in app.calls] == [False, True, True]


def test_an_old_token_signs_while_tokens_change(sandbox, text, app):
    sandbox.fault("cb_old_token", times=1)
    text()
    sandbox.settle()

    assert is_genuine(app.calls[0], config.SECOND_TOKEN)


def test_another_account_signs_for_itself(sandbox, text, app):
    sandbox.fault("cb_other_account", times=1)
    text()
    sandbox.settle()

    assert app.calls[0].form["AccountSid"] == config.FOREIGN_ACCOUNT
    assert is_genuine(app.calls[0], config.FOREIGN_TOKEN)


def test_plans_can_name_the_status(sandbox, text, app):
    sandbox.fault("cb_drop", match={"status": "delivered"})
    text()
    sandbox.settle()

    assert app.statuses() == ["sent"]


@pytest.mark.parametrize(
    ("fault", "bodies"),
    [
        ("in_duplicate", ["one", "one", "two"]),
        ("in_retry_same_token", ["one", "one", "two"]),
        ("in_lost", ["two"]),
        ("in_out_of_order", ["two", "one"]),
    ],
)
def test_texts_come_as_planned(sandbox, app, twilio, fault, bodies):
    sandbox.fault(fault, times=1)
    for body in ("one", "two"):
        sandbox.post("inbound/sms", {"from": ALICE, "body": body})
    sandbox.settle()

    assert [call.form["Body"] for call in app.heard("/inbound")] == bodies
    assert [one.body for one in twilio.messages.list(from_=ALICE)] == ["two", "one"]


@pytest.mark.parametrize(("fault", "tokens"), [("in_duplicate", 2), ("in_retry_same_token", 1)])
def test_a_retry_has_the_token_of_the_first_try(sandbox, app, fault, tokens):
    sandbox.fault(fault, times=1)
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.settle()

    assert len({call.headers["I-Twilio-Idempotency-Token"] for call in app.calls}) == tokens
    assert len({call.form["MessageSid"] for call in app.calls}) == 1


def test_an_unsigned_text_is_a_forgery_beside_the_real_one(sandbox, app):
    sandbox.fault("in_unsigned", times=1)
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.settle()

    assert [is_genuine(call) for call in app.calls] == [False, True]
    assert len({call.form["MessageSid"] for call in app.calls}) == 2
    assert "webhook_forgery_accepted" in sandbox.audit()


def test_a_huge_text_is_signed_and_huge(sandbox, app):
    sandbox.fault("in_huge", times=1)
    sandbox.post("inbound/sms", {"from": ALICE, "body": "C"})
    sandbox.settle()

    assert len(app.calls[0].form["Body"]) == 100_000
    assert is_genuine(app.calls[0])


def kinds(app) -> list[str]:
    return [event["event"] for call in app.calls for event in call.events]


@pytest.mark.parametrize(
    ("fault", "args", "expected"),
    [
        ("ev_duplicate", {}, ["processed", "processed", "delivered"]),
        ("ev_reorder", {}, ["delivered", "processed"]),
        ("ev_split", {}, ["processed", "delivered"]),
        ("ev_merge", {}, ["processed", "delivered"]),
        ("ev_delay", {"hours": 6}, ["delivered", "processed"]),
        ("ev_garbage_type", {}, ["quantum", "processed", "delivered"]),
        ("ev_missing_args", {}, ["processed", "delivered"]),
    ],
)
def test_events_come_as_planned(sandbox, mail, app, fault, args, expected):
    sandbox.fault(fault, times=1, args=args)
    mail()
    sandbox.settle()

    found = sorted(kinds(app), reverse=True) if fault == "ev_split" else kinds(app)  # two posts may overtake each other
    assert found == expected


def test_a_batch_can_be_split_and_merged(sandbox, mail, app):
    sandbox.fault("ev_split", times=1)
    mail()
    sandbox.settle()
    assert len(app.calls) == 2
    sandbox.fault("ev_merge", times=1)
    mail()
    sandbox.advance(40)
    mail()
    sandbox.settle()

    assert len(app.calls) == 3
    assert len(app.calls[-1].events) == 4


def test_events_can_lose_what_names_the_message(sandbox, mail, app):
    sandbox.fault("ev_missing_args", times=1)
    mail()
    sandbox.settle()

    first = app.calls[0].events[0]
    assert "mid" not in first
    assert "sg_message_id" not in first


def test_a_forged_batch_is_signed_with_another_key(sandbox, mail, app):
    sandbox.fault("ev_bad_signature", times=1)
    mail()
    sandbox.settle()
    webhook = EventWebhook(PUBLIC_KEY)
    right = [
        webhook.verify_signature(call.body.decode(), call.headers[SIGNATURE], call.headers[TIMESTAMP])
        for call in sorted(app.calls, key=lambda call: call.events[0]["event"])
    ]

    assert right == [False, True]


def test_a_big_batch_is_about_strangers_too(sandbox, mail, app):
    sandbox.fault("ev_big_batch", times=1, args={"n": 5000})
    mail()
    sandbox.settle()

    assert len(app.calls[0].events) == 5002
