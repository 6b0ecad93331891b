"""A text is sent, looked up and blanked in Twilio's own words."""

import json
from datetime import timedelta

import pytest

from service.channels import Ambiguous, ChannelDown, ChannelError, Message, NotAccepted, Refused, Unfinished
from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.rules.retries import Patience
from service.settings import Settings
from tests.builders import NOW
from tests.channels.twilio_sms.conftest import MESSAGE, accepted, error_body, form


def test_what_is_sent_is_what_twilio_wants(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(201, accepted())
    receipt = sms.send(MESSAGE)

    (asked,) = stand_in.requests
    assert receipt.provider_id == "SM" + "a" * 32
    assert asked.path == "/2010-04-01/Accounts/AC" + "0" * 32 + "/Messages.json"
    assert form(asked) == {
        "To": "+12125550101",
        "From": "+15005550006",
        "Body": "See you today.",
        "StatusCallback": "https://groups.example.org/webhooks/twilio/status?m=0189-ref",
        "ValidityPeriod": "7200",
    }


@pytest.mark.parametrize(("hours", "seconds"), [(0, "60"), (2, "7200"), (40, "14400")])
def test_twilio_lets_a_text_die_when_it_is_of_no_more_use(sms, stand_in, hours, seconds):
    stand_in.answer = lambda asked: asked.say(201, accepted())
    sms.send(Message(to="+12125550101", text="x", reference="r", useful_for=timedelta(hours=hours)))

    assert form(stand_in.requests[0])["ValidityPeriod"] == seconds


def test_with_a_messaging_service_there_is_no_from(stand_in):
    settings = Settings.from_env({"TWILIO_API_BASE": stand_in.url, "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0" * 32})
    stand_in.answer = lambda asked: asked.say(201, accepted())
    TwilioSms(settings.twilio, Transport(Patience()), "https://x.example.org/status").send(MESSAGE)

    asked = form(stand_in.requests[0])
    assert (asked.get("From"), asked["MessagingServiceSid"]) == (None, "MG" + "0" * 32)


# looking up


def listed(*bodies, created="Mon, 04 Jan 2027 15:00:00 +0000", direction="outbound-api"):
    messages = [
        {"sid": f"SM{n}", "body": body, "date_created": created, "direction": direction, "to": "+12125550101"}
        for n, body in enumerate(bodies)
    ]
    page = {"messages": messages, "next_page_uri": None, "page": 0, "page_size": 100}
    return json.dumps(page).encode()


def test_a_text_with_the_same_words_is_found(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(200, listed("other", "See you today."))

    assert sms.look_up("+12125550101", "See you today.", NOW) == ["SM1"]


def test_a_text_of_before_the_mark_is_not_found(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(200, listed("See you today.", created="Mon, 04 Jan 2027 14:00:00 +0000"))

    assert sms.look_up("+12125550101", "See you today.", NOW) == []


def test_what_a_person_wrote_is_not_found(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(200, listed("See you today.", direction="inbound"))

    assert sms.look_up("+12125550101", "See you today.", NOW) == []


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_a_list_that_cannot_be_asked_is_a_channel_error(sms, stand_in, status):
    stand_in.answer = lambda asked: asked.say(status, error_body(0, status))

    with pytest.raises(ChannelError):
        sms.look_up("+12125550101", "x", NOW)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"messages": null}', b"[]"])
def test_a_list_that_cannot_be_read_is_a_channel_error(sms, stand_in, body):
    stand_in.answer = lambda asked: asked.say(200, body)

    with pytest.raises(ChannelError):
        sms.look_up("+12125550101", "x", NOW)


# blanking


def test_the_words_of_a_text_are_emptied_by_its_name(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(200, accepted(body=""))
    sms.blank("SM" + "a" * 32)

    (asked,) = stand_in.requests
    assert asked.path == f"/2010-04-01/Accounts/AC{'0' * 32}/Messages/SM{'a' * 32}.json"
    assert asked.body == b"Body="


def test_a_text_that_twilio_has_no_more_is_blank(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(404, error_body(20404, 404))

    assert sms.blank("SM1") is None


@pytest.mark.parametrize("status", [400, 409])
def test_a_text_on_its_way_is_blanked_later(sms, stand_in, status):
    stand_in.answer = lambda asked: asked.say(status, error_body(20009, status))

    with pytest.raises(Unfinished, match="Twilio 20009"):
        sms.blank("SM1")


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (401, error_body(20003, 401), ChannelDown),
        (429, error_body(20429, 429), NotAccepted),
        (400, error_body(30400), Refused),
        (503, b"", Ambiguous),
        (200, b"<html>", Ambiguous),
        (200, b"{}", Ambiguous),
        (200, accepted(body="See you today."), Ambiguous),
    ],
)
def test_words_are_gone_only_when_twilio_says_so(sms, stand_in, status, body, trouble):
    stand_in.answer = lambda asked: asked.say(status, body)

    with pytest.raises(trouble):
        sms.blank("SM1")
