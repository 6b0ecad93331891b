"""The judge finds what may not be sent: after STOP, at night, and in words or headers that tell too much."""

import base64

import pytest

from sandbox import config
from tests.sandbox.conftest import ALICE, BEN, expected


def stop(sandbox, text) -> None:
    sandbox.post("config", {"numbers": {config.NUMBER: "short_code"}})  # so that the provider does not step in
    sandbox.post("inbound/sms", {"from": ALICE, "body": "stop."})
    sandbox.advance(0)
    sandbox.advance(1)


def test_a_message_after_stop_is_found(sandbox, text):
    stop(sandbox, text)
    text(reference="d1")

    assert {"after_optout", "after_optout_sent"} == set(sandbox.audit(expected(1)))


def test_a_stop_that_never_reached_us_is_counted_apart(sandbox, text, app):
    app.answer = lambda _call: (500, {}, b"")
    stop(sandbox, text)
    text(reference="d1")

    assert {"after_optout_sent", "webhook_refused"} == set(sandbox.audit(expected(1)))


def test_start_ends_what_stop_began(sandbox, text):
    stop(sandbox, text)
    sandbox.post("inbound/sms", {"from": ALICE, "body": "START"})
    sandbox.advance(1)
    text(reference="d1")

    assert sandbox.audit(expected(1)) == {}


@pytest.mark.parametrize(
    ("zone", "found"),
    [("Asia/Tokyo", {"quiet_hours"}), ("Europe/London", set())],
)
def test_the_night_is_on_the_named_clock(sandbox, text, zone, found):
    text(reference="d1")
    night = {"start": "20:00", "end": "08:00", "zone": zone}

    assert set(sandbox.audit(expected(1), quiet_hours=night)) == found


@pytest.mark.parametrize(
    ("body", "rules", "found"),
    [
        ("x" * 400, {"segments_budget": 2}, {"segments_over_budget"}),
        ("Can’t make it?", {}, {"ucs2_by_accident"}),
        ("Привет", {}, set()),
        ("About your depression", {"forbidden_words": ["depression"]}, {"forbidden_word"}),
        ("Impressionism", {"forbidden_words": ["press"]}, set()),
    ],
)
def test_the_words_of_a_text_are_judged(sandbox, text, body, rules, found):
    text(body=body, reference="d1")

    assert set(sandbox.audit(expected(1), **rules)) == found


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("?m=d1&who=%2B12025550143", {"pii_in_callback_url"}),
        ("?m=d1&who=ann@b.example", {"pii_in_callback_url"}),
        ("?m=d1", set()),
    ],
)
def test_a_callback_url_names_nobody(sandbox, twilio, app, url, found):
    callback = f"{app.url}/webhooks/twilio/status{url}"
    twilio.messages.create(to=ALICE, from_=config.NUMBER, body="Hello", status_callback=callback)

    assert set(sandbox.audit(expected(1))) == found


def ics(words: str) -> dict:
    content = base64.b64encode(f"BEGIN:VCALENDAR\r\nSUMMARY:{words}\r\n".encode()).decode()
    return {"attachments": [{"content": content, "filename": "a.ics", "type": "text/calendar"}]}


OFF = {"enable": False}
TO_TWO = {"to": [{"email": "a@x.sandbox.test"}, {"email": "b@x.sandbox.test"}], "custom_args": {"mid": "m1"}}
HEADERS = {
    "List-Unsubscribe": "<https://practice.example/u/abc>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, set()),
        ({"personalizations": [TO_TWO]}, {"shared_to", "duplicate"}),
        ({"custom_args": {"name": "ann@example.com"}}, {"pii_in_custom_args"}),
        ({"custom_args": {"who": "for Ann"}}, {"pii_in_custom_args"}),
        ({"custom_args": {"batch": "01annual"}}, set()),
        ({"tracking_settings": {"open_tracking": OFF}}, {"tracking_on"}),
        ({"subject": "Your depression"}, {"forbidden_word"}),
        (ics("Depression group"), {"forbidden_word"}),
        (ics("Appointment"), set()),
        ({"headers": {**HEADERS, "X-Topic": "depression"}}, {"forbidden_word"}),
        ({"headers": {"Auto-Submitted": "auto-generated"}}, {"no_one_click"}),
        ({"headers": {name: HEADERS[name] for name in list(HEADERS)[:2]}}, {"no_auto_submitted"}),
        ({"reply_to": {"email": "care@practice.example"}}, {"reply_to_without_token"}),
        ({"reply_to": {"email": "reply+AbC@practice.example"}}, {"token_not_lowercase"}),
    ],
)
def test_the_privacy_and_headers_of_a_mail_are_judged(sandbox, mail, change, found):
    mail(**change)

    assert set(sandbox.audit({"app_message_id": "m1"}, forbidden_words=["depression"])) == found


def test_words_left_at_the_provider_are_found(sandbox, text, twilio):
    kept, redacted = text(reference="d1"), text(BEN, reference="d2")
    sandbox.settle()
    twilio.messages(redacted.sid).update(body="")
    sandbox.advance(31 * 86_400)
    wanted = [expected(1), expected(2, BEN)]

    found = sandbox.audit(*wanted, redacted_after_days=30)

    assert [one["provider_id"] for one in found["not_redacted"]] == [kept.sid]
    assert sandbox.audit(*wanted, redacted_after_days=40) == {}


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        ((403, {}, b""), {"webhook_refused"}),
        ((200, {"Set-Cookie": "a=b"}, b""), {"webhook_set_cookie"}),
        ((204, {}, b""), set()),
    ],
)
def test_our_answers_to_webhooks_are_judged(sandbox, text, app, verdict, found):
    app.answer = lambda _call: verdict
    text(reference="d1")
    sandbox.settle()

    assert set(sandbox.audit(expected(1))) == found
