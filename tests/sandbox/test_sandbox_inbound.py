"""People text us: the opt-out machine, the webhook, and what we answer."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from sandbox import config
from sandbox.twilio import inbound
from sandbox.twilio.keywords import understood
from sandbox.twilio.messages import Text

ALICE = "+12025550143"
XML = {"Content-Type": "text/xml"}


def twiml(*messages: str) -> bytes:
    inside = "".join(f"<Message>{message}</Message>" for message in messages)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'.encode()


def said(sandbox, body: str) -> None:
    sandbox.post("inbound/sms", {"from": ALICE, "body": body})
    sandbox.settle()


def provider_said(sandbox) -> list[str]:
    return [row["body"] for row in sandbox.get("ledger")["said"] if row["who"] == "provider"]


def test_a_text_reaches_the_application_signed(sandbox, app):
    said(sandbox, " See you – ✨ ")

    call = app.heard("/inbound")[0]
    assert (call.form["From"], call.form["Body"], call.form["To"]) == (ALICE, " See you – ✨ ", config.NUMBER)
    assert RequestValidator(config.TOKEN).validate(call.url, call.form, call.headers["X-Twilio-Signature"])


def test_inbound_fields_are_those_of_recorded_texts(inbound_of_twilio_inbound_sample, sandbox):
    recorded = inbound_of_twilio_inbound_sample
    told = recorded["params"]
    text = Text(
        sid=told["MessageSid"],
        account=told["AccountSid"],
        to=told["To"],
        sender=told["From"],
        body=told["Body"],
        direction="inbound",
        status="received",
        created=0,
        segments=int(told["NumSegments"]),
        media=int(told["NumMedia"]),
    )
    if "MessagingServiceSid" not in told:
        sandbox.post("config", {"services": {}})

    ours = dict(inbound.params(sandbox.box.world, text, told.get("OptOutType", "")))

    places = {f"{side}{what}" for side in ("From", "To") for what in ("City", "State", "Zip", "Country")}
    media = {name for name in told if name.startswith("Media")}
    assert {name: value for name, value in ours.items() if name not in places | media} == {
        name: value for name, value in told.items() if name not in places | media
    }
    if not media and told.keys() == ours.keys():
        assert urlencode([(name, told[name]) for name in ours]) == recorded["raw_body"]


@pytest.mark.parametrize(
    "word", ["STOP", "stop", "StopAll", "UNSUBSCRIBE", "cancel", "END", "quit", "REVOKE", "OPTOUT"]
)
def test_a_keyword_blocks_and_is_confirmed_and_still_reaches_us(sandbox, app, text, word):
    said(sandbox, word)

    assert app.heard("/inbound")[0].form["Body"] == word
    assert provider_said(sandbox)[0].startswith("You have successfully been unsubscribed")
    with pytest.raises(TwilioRestException) as caught:
        text()
    assert caught.value.code == 21610


def test_keywords_are_understood_as_the_vector_says(cases_of_stop_keywords):
    case = cases_of_stop_keywords
    matched = understood(case["body"], trim=False)

    expected = {"opt_out": "STOP", "opt_in": "START", "help": "HELP"}.get(case["class"])
    assert (matched.value if matched else None) == (expected if case["twilio_default_matches"] is True else None)


@pytest.mark.parametrize("body", [" stop ", "STOP.", '"STOP"', "Stop\n"])
def test_whether_spaces_and_full_stops_count_can_be_switched(sandbox, text, body):
    said(sandbox, body)
    assert text().status == "queued"
    sandbox.post("config", {"trim_match": True})
    said(sandbox, body)

    with pytest.raises(TwilioRestException):
        text()


@pytest.mark.parametrize("word", ["START", "YES", "UNSTOP"])
def test_start_unblocks_and_is_answered_only_if_there_was_a_block(sandbox, text, word):
    said(sandbox, word)
    assert provider_said(sandbox) == []
    said(sandbox, "STOP")
    said(sandbox, word)

    assert provider_said(sandbox)[-1].startswith("You have successfully been resubscribed")
    assert text().status == "queued"


def test_help_is_answered_by_the_provider(sandbox):
    said(sandbox, "help")

    assert provider_said(sandbox) == ["Reply STOP to unsubscribe. Msg&Data Rates May Apply."]


def test_opt_out_type_is_told_only_with_advanced_opt_out(sandbox, app):
    said(sandbox, "STOP")
    sandbox.post("config", {"advanced_opt_out": True})
    said(sandbox, "START")
    said(sandbox, "Hello")

    assert [call.form.get("OptOutType") for call in app.heard("/inbound")] == [None, "START", None]


def test_a_short_code_leaves_everything_to_us(sandbox, text):
    sandbox.post("config", {"numbers": {config.NUMBER: "short_code"}})
    said(sandbox, "STOP")

    assert provider_said(sandbox) == []
    assert text().status == "queued"


def test_a_toll_free_number_is_blocked_by_the_network(sandbox, text):
    sandbox.post("config", {"numbers": {config.NUMBER: "toll_free"}})
    for word in ("STOP", "HELP", "YES"):
        said(sandbox, word)

    assert [words[:12] for words in provider_said(sandbox)] == ["NETWORK MSG:"]
    with pytest.raises(TwilioRestException):
        text()


def test_an_answer_in_twiml_is_texted_back(sandbox, app, twilio):
    app.answer = lambda _call: (200, XML, twiml("Thank you.", "<Body>See you &amp; yours.</Body>"))
    said(sandbox, "C")

    replies = twilio.messages.list(to=ALICE)
    assert sorted(one.body for one in replies) == ["See you & yours.", "Thank you."]
    assert {one.direction for one in replies} == {"outbound-reply"}


def test_the_answers_status_is_reported_where_it_says(sandbox, app, twilio):
    report = f"{app.url}/webhooks/twilio/status?a=1"
    told = f'<Response><Message statusCallback="{report}">Thank you.</Message></Response>'.encode()
    app.answer = lambda call: (200, XML, told) if "/inbound" in call.path else (204, {}, b"")
    said(sandbox, "C")

    (reply,) = twilio.messages.list(to=ALICE)
    calls = app.heard("/status")
    assert [call.form["MessageStatus"] for call in calls] == ["sent", "delivered"]
    assert {(call.path, call.form["MessageSid"]) for call in calls} == {("/webhooks/twilio/status?a=1", reply.sid)}
    assert RequestValidator(config.TOKEN).validate(report, calls[0].form, calls[0].headers["X-Twilio-Signature"])


def test_an_answer_to_stop_is_refused(sandbox, app, twilio):
    app.answer = lambda _call: (200, XML, twiml("Sorry to see you go."))
    said(sandbox, "STOP")

    assert twilio.messages.list(to=ALICE) == []
    assert sandbox.get("ledger")["refused"][0]["code"] == 21610


def test_a_plain_answer_is_texted_to_the_person(sandbox, app, twilio):
    app.answer = lambda _call: (200, {"Content-Type": "text/plain"}, b"OK")
    said(sandbox, "C")

    assert [one.body for one in twilio.messages.list(to=ALICE)] == ["OK"]
    assert "webhook_plain_text" in sandbox.audit(skip=["unexpected"])


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("text/html", b"OK", 12100),
        ("text/xml", b"<Response><Message>", 12100),
        ("text/xml", b"<Reply/>", 12100),
        ("text/xml", b'<!DOCTYPE x [<!ENTITY a "b">]><Response/>', 12100),
        ("application/json", b"{}", 12300),
    ],
)
def test_what_is_not_twiml_is_noted(sandbox, app, twilio, kind, body, code):
    app.answer = lambda _call: (200, {"Content-Type": kind}, body)
    said(sandbox, "C")

    notes = [row["status"] for row in sandbox.get("deliveries")["deliveries"] if row["kind"] == "note"]
    assert notes == [code]
    assert twilio.messages.list(to=ALICE) == []


def test_an_empty_answer_says_nothing(sandbox, app, twilio):
    app.answer = lambda _call: (200, XML, twiml())
    said(sandbox, "C")

    assert twilio.messages.list(to=ALICE) == []


def test_two_machines_that_answer_each_other_are_stopped(sandbox, app, twilio):
    app.answer = lambda _call: (200, XML, twiml("Pardon?"))
    for number in range(18):
        sandbox.post("inbound/sms", {"from": ALICE, "body": f"What {number}?"})
    sandbox.advance(0)

    assert len(twilio.messages.list(to=ALICE)) == 15
    assert 14107 in [row["status"] for row in sandbox.get("deliveries")["deliveries"]]


def test_a_cookie_comes_back_for_four_hours(sandbox, app):
    app.answer = lambda _call: (200, {**XML, "Set-Cookie": "seen=1; Path=/"}, twiml())
    said(sandbox, "one")
    said(sandbox, "two")
    sandbox.advance(5 * 3600)
    said(sandbox, "three")

    assert [call.headers.get("Cookie") for call in app.heard("/inbound")] == [None, "seen=1", None]
    assert "webhook_set_cookie" in sandbox.audit()


def test_a_messaging_service_may_tell_of_an_opt_out_only_later(sandbox, text, app):
    said(sandbox, "STOP")
    sandbox.post("config", {"service_fails_opt_outs": True})
    sent = text(messaging_service_sid=config.SERVICE)
    sandbox.settle()

    assert sent.status == "accepted"
    last = app.heard("/status")[-1].form
    assert (last["MessageStatus"], last["ErrorCode"]) == ("failed", "21610")


def test_who_opts_out_in_the_meantime_does_not_get_what_was_scheduled(sandbox, text, twilio):
    hour = datetime(2026, 3, 6, 13, 0, tzinfo=UTC)
    sent = text(messaging_service_sid=config.SERVICE, schedule_type="fixed", send_at=hour)
    sandbox.post("inbound/sms", {"from": ALICE, "body": "STOP"})
    sandbox.settle()

    assert twilio.messages(sent.sid).fetch().error_code == 21610
