import json
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from service.channels import (
    AddressRefused,
    Ambiguous,
    ChannelDown,
    ChannelError,
    Message,
    NotAccepted,
    Refused,
    Unfinished,
    twilio_codes,
)
from service.channels.transport import Transport, rebased
from service.channels.twilio_sms import TwilioSms
from service.rules.retries import Patience
from service.settings import Settings
from tests.builders import NOW, on_sqlite

CODES = json.loads((Path(__file__).parents[1] / "vectors" / "twilio_error_codes.json").read_text("utf-8"))["codes"]
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
MESSAGE = Message(to="+12125550101", text="See you today.", reference="0189-ref", useful_for=timedelta(hours=2))


PATIENT, IMPATIENT = Patience(), Patience(deadline=0.5)
"""The second has time-outs that a test can wait for."""


def channel(url, patience=PATIENT):
    settings = Settings.from_env({"TWILIO_API_BASE": url})
    return TwilioSms(settings.twilio, Transport(patience), "https://groups.example.org/webhooks/twilio/status")


@pytest.fixture
def sms(stand_in):
    return channel(stand_in.url)


def http_status(row):
    return int(str(row["http_status"] or "400")[:3])


def error_body(code, status=400):
    return json.dumps({"code": code, "message": "no", "more_info": "https://x", "status": status}).encode()


def accepted(**values):
    return json.dumps({"sid": "SM" + "a" * 32, "status": "queued", "body": "x", **values}).encode()


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


def test_where_nobody_listens_nothing_was_accepted(stand_in):
    sms = channel(stand_in.url)
    stand_in.shutdown()
    stand_in.server_close()

    with pytest.raises(NotAccepted):
        sms.send(MESSAGE)


def test_a_host_that_does_not_exist_accepts_nothing():
    with pytest.raises(NotAccepted):
        channel("http://no-such-host.invalid").send(MESSAGE)


def test_a_broken_handshake_accepts_nothing(stand_in):
    with pytest.raises(NotAccepted):
        channel(stand_in.url.replace("http://", "https://")).send(MESSAGE)


def test_a_connection_that_is_cut_may_have_been_accepted(sms, stand_in):
    stand_in.answer = lambda asked: asked.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


def test_an_answer_that_does_not_come_may_have_been_accepted(stand_in):
    sms = channel(stand_in.url, IMPATIENT)
    stand_in.answer = lambda asked: stand_in.over.wait(5)

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


def test_a_body_that_trickles_is_cut_off(stand_in):
    sms = channel(stand_in.url, IMPATIENT)

    def trickle(asked):
        asked.send_response(201)
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        while not stand_in.over.wait(0.05):
            asked.wfile.write(b" ")

    stand_in.answer = trickle
    started = time.monotonic()

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)
    assert time.monotonic() - started < 5


def test_a_body_that_ends_early_is_a_question(sms, stand_in):
    def end_early(asked):
        asked.send_response(201)
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        asked.wfile.write(accepted())
        asked.close_connection = True

    stand_in.answer = end_early

    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)


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


def form(asked):
    return dict(parse_qsl(asked.body.decode()))


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


def test_the_errors_words_hold_no_address_and_no_text(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(
        400, json.dumps({"code": 21211, "message": "The number +12125550101 is bad", "status": 400}).encode()
    )

    with pytest.raises(AddressRefused) as raised:
        sms.send(MESSAGE)
    assert str(raised.value) == "Twilio 21211"


def test_credentials_go_to_the_provider_only():
    with pytest.raises(ValueError, match="provider only"):
        rebased("https://evil.example.org/x", "http://127.0.0.1:1", "twilio.com")


@pytest.mark.parametrize("host", ["twilio.com.evil.org", "eviltwilio.com"])
def test_a_host_that_only_looks_like_the_providers_gets_nothing(host):
    with pytest.raises(ValueError, match="provider only"):
        rebased(f"https://{host}/x", None, "twilio.com")


def test_connections_are_kept_and_used_again(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(201, accepted())
    for _ in range(3):
        sms.send(MESSAGE)

    assert len({asked.client_address for asked in stand_in.requests}) == 1


def test_after_a_lost_answer_the_connection_is_not_used_again(stand_in):
    sms = channel(stand_in.url, IMPATIENT)
    stand_in.answer = lambda asked: stand_in.over.wait(2)
    with pytest.raises(Ambiguous):
        sms.send(MESSAGE)
    stand_in.answer = lambda asked: asked.say(201, accepted())
    sms.send(MESSAGE)

    assert len({asked.client_address for asked in stand_in.requests}) == 2


def test_calls_side_by_side_get_their_own_answers(sms, stand_in):
    stand_in.answer = lambda asked: asked.say(201, accepted(sid=form(asked)["Body"]))
    told = {}

    def send(name):
        told[name] = sms.send(Message(to="+12125550101", text=name, reference="r")).provider_id

    threads = [threading.Thread(target=send, args=(f"SM{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == {f"SM{number}": f"SM{number}" for number in range(12)}


def test_no_proxy_of_the_environment_is_asked(stand_in, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    stand_in.answer = lambda asked: asked.say(201, accepted())

    assert channel(stand_in.url).send(MESSAGE).provider_id


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


# the sandbox


FAULTS = [
    ("http_429_json", NotAccepted, 0),
    ("http_429_html", NotAccepted, 0),
    ("queue_full", NotAccepted, 0),
    ("reset_before_accept", Ambiguous, 0),
    ("reset_after_accept", Ambiguous, 1),
    ("timeout_before_accept", Ambiguous, 0),
    ("timeout_after_accept", Ambiguous, 1),
    ("truncated_json", Ambiguous, 1),
    ("not_json", Ambiguous, 1),
    ("empty_201", Ambiguous, 1),
    ("slow_body", Ambiguous, 1),
    ("auth_revoked", ChannelDown, 0),
]


@pytest.mark.parametrize(("fault", "trouble", "count"), FAULTS, ids=[fault for fault, _, _ in FAULTS])
def test_each_fault_of_the_sandbox_is_the_right_trouble(sandbox, fault, trouble, count):
    sandbox.tell("faults", [{"match": {"provider": "twilio", "op": "create"}, "fault": fault, "times": 1}])

    with pytest.raises(trouble):
        channel(sandbox.url, IMPATIENT).send(MESSAGE)
    assert len(sandbox.accepted) == count


@pytest.mark.parametrize(("is_accepted", "count"), [(True, 1), (False, 0)])
def test_a_server_error_of_the_sandbox_is_a_question(sandbox, is_accepted, count):
    plan = {"match": {"op": "create"}, "fault": "http_5xx", "args": {"status": 500, "accepted": is_accepted}}
    sandbox.tell("faults", [{**plan, "times": 1}])

    with pytest.raises(Ambiguous):
        channel(sandbox.url, IMPATIENT).send(MESSAGE)
    assert len(sandbox.accepted) == count


def test_the_sandbox_takes_a_text_over_and_finds_it_again(sandbox):
    sms = channel(sandbox.url)
    sent = sms.send(MESSAGE)

    since = datetime.now(UTC) - timedelta(minutes=1)
    assert sms.look_up(MESSAGE.to, MESSAGE.text, since) == [sent.provider_id]
    assert sandbox.ask("unknown")["unknown"] == []


@pytest.mark.parametrize(
    ("last", "trouble"), [("9610", AddressRefused), ("9614", AddressRefused), ("9429", NotAccepted)]
)
def test_magic_numbers_of_the_sandbox_are_refused_as_they_should_be(sandbox, last, trouble):
    with pytest.raises(trouble):
        channel(sandbox.url).send(Message(to=f"+1500555{last}", text="x", reference="r"))


@on_sqlite
def test_no_connection_is_shared_with_a_forked_child(parts, monkeypatch):
    channels = parts.channels
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as in a child

    assert parts.channels is not channels
    assert parts.channels is parts.channels
