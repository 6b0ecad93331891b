import json
import threading
from datetime import timedelta

import pytest
from sendgrid import SendGridAPIClient

from service.channels import (
    AddressRefused,
    Ambiguous,
    ChannelDown,
    ChannelError,
    Message,
    NotAccepted,
    Refused,
)
from service.channels.sendgrid_email import SendGridEmail
from service.channels.transport import Transport
from service.rules.retries import Patience
from service.settings import Settings
from tests.builders import NOW

MESSAGE = Message(
    to="anna@people.sandbox.test",
    text="You have a new message.",
    reference="0189-ref",
    subject="You have a new message",
    headers={"List-Unsubscribe": "<https://groups.example.org/u/x>"},
)


PATIENT = Patience()


def channel(url, patience=PATIENT):
    return SendGridEmail(Settings.from_env({"SENDGRID_API_BASE": url}).sendgrid, Transport(patience), "Oak St Office")


@pytest.fixture
def email(stand_in):
    stand_in.answer = lambda asked: asked.say(202, b"", X_Message_Id="mail-1")
    return channel(stand_in.url)


def test_a_mail_that_was_taken_over_has_the_providers_name(email):
    assert email.send(MESSAGE).provider_id == "mail-1"


def test_what_is_sent_is_what_sendgrid_wants(email, stand_in):
    email.send(MESSAGE)

    (asked,) = stand_in.requests
    assert (asked.path, asked.headers["Authorization"]) == ("/v3/mail/send", "Bearer SG.sandbox.key")
    assert json.loads(asked.body) == {
        "personalizations": [
            {"to": [{"email": "anna@people.sandbox.test"}], "custom_args": {"mid": "0189-ref"}},
        ],
        "from": {"email": "office@groups.example.org", "name": "Oak St Office"},
        "subject": "You have a new message",
        "content": [{"type": "text/plain", "value": "You have a new message."}],
        "headers": {"Auto-Submitted": "auto-generated", "List-Unsubscribe": "<https://groups.example.org/u/x>"},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }


def test_the_request_is_the_one_that_sendgrids_client_makes_as_it_comes(email, stand_in):
    email.send(MESSAGE)
    official = SendGridAPIClient("SG.sandbox.key", host=stand_in.url)
    official.send(json.loads(stand_in.requests[0].body))
    ours, theirs = stand_in.requests

    assert (ours.command, ours.path, ours.body) == (theirs.command, theirs.path, theirs.body)
    of_the_connection = {"Connection": "close", "Accept-Encoding": "identity"}
    assert {**ours.headers, **of_the_connection} == dict(theirs.headers)


def errors(*fields):
    return json.dumps({"errors": [{"message": "no", "field": field, "help": None} for field in fields]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, errors("personalizations.0.to.0.email"), AddressRefused),
        (400, errors("content.0.value"), Refused),
        (400, errors(None), Refused),
        (400, b"<html>", Refused),
        (400, b"[]", Refused),
        (400, b'{"errors": null}', Refused),
        (413, b"<html>413</html>", Refused),
        (401, errors(None), ChannelDown),
        (403, errors(None), ChannelDown),
        (404, b"", ChannelDown),
        (429, errors(None), NotAccepted),
        (500, b"", Ambiguous),
        (502, b"<html>", Ambiguous),
        (503, b"", Ambiguous),
        (504, b"", Ambiguous),
        (200, b"", Ambiguous),
        (302, b"", Ambiguous),
    ],
)
def test_each_answer_is_the_right_trouble(email, stand_in, status, body, trouble):
    stand_in.answer = lambda asked: asked.say(status, body)

    with pytest.raises(ChannelError) as raised:
        email.send(MESSAGE)
    assert type(raised.value) is trouble


def test_sendgrid_says_how_long_to_wait(email, stand_in):
    stand_in.answer = lambda asked: asked.say(429, b"", Retry_After="30")

    with pytest.raises(NotAccepted) as raised:
        email.send(MESSAGE)
    assert raised.value.retry_after == timedelta(seconds=30)


def test_a_mail_without_a_name_of_sendgrids_was_taken_over_all_the_same(email, stand_in):
    stand_in.answer = lambda asked: asked.say(202, b"")

    assert email.send(MESSAGE).provider_id == ""


def test_where_nobody_listens_nothing_was_accepted(email, stand_in):
    stand_in.shutdown()
    stand_in.server_close()

    with pytest.raises(NotAccepted):
        email.send(MESSAGE)


def test_an_answer_that_does_not_come_may_have_been_accepted(stand_in):
    email = channel(stand_in.url, Patience(deadline=0.5))
    stand_in.answer = lambda asked: stand_in.over.wait(5)

    with pytest.raises(Ambiguous):
        email.send(MESSAGE)


def test_sendgrid_cannot_be_asked(email):
    assert email.can_look_up is False
    with pytest.raises(ChannelError):
        email.look_up("anna@people.sandbox.test", "x", NOW)


def test_connections_are_kept_and_used_again(email, stand_in):
    for _ in range(3):
        email.send(MESSAGE)

    assert len({asked.client_address for asked in stand_in.requests}) == 1


def test_mails_side_by_side_each_go_to_their_own_person(email, stand_in):
    threads = [
        threading.Thread(target=email.send, args=(Message(f"p{n}@x.sandbox.test", "x", f"r{n}", subject="s"),))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pairs = [json.loads(asked.body)["personalizations"] for asked in stand_in.requests]

    assert all(len(one) == 1 and len(one[0]["to"]) == 1 for one in pairs)
    assert {(one[0]["to"][0]["email"][1:-15], one[0]["custom_args"]["mid"][1:]) for one in pairs} == {
        (str(n), str(n)) for n in range(12)
    }


def test_nothing_of_the_mail_or_the_key_is_logged(email, stand_in, caplog):
    caplog.set_level("DEBUG")
    email.send(MESSAGE)

    assert "anna" not in caplog.text
    assert "SG.sandbox.key" not in caplog.text


def test_the_sandbox_takes_a_mail_over(sandbox):
    sent = channel(sandbox.url).send(MESSAGE)

    (row,) = sandbox.accepted
    assert (row["to_norm"], row["app_message_id"], row["provider_id"]) == (
        "anna@people.sandbox.test",
        "0189-ref",
        sent.provider_id,
    )


@pytest.mark.parametrize(
    ("fault", "trouble", "count"),
    [("http_429_json", NotAccepted, 0), ("reset_after_accept", Ambiguous, 1), ("auth_revoked", ChannelDown, 0)],
)
def test_each_fault_of_the_sandbox_is_the_right_trouble(sandbox, fault, trouble, count):
    sandbox.tell("faults", [{"match": {"provider": "sendgrid", "op": "mail_send"}, "fault": fault, "times": 1}])

    with pytest.raises(trouble):
        channel(sandbox.url).send(MESSAGE)
    assert len(sandbox.accepted) == count
