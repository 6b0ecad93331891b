"""What became of a mail, as SendGrid reports it."""

import base64
import json
from dataclasses import replace

import pytest

from service.app import create_app
from service.database import connect, opener
from service.flows.suppress import is_suppressed
from service.models.base import uuid7
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.lifecycle import State
from tests import builders
from tests.web.conftest import VECTORS, SendGrid
from tests.web.webhooks.conftest import ADDRESS, MOBILE, WEBHOOKS, each, sent, state

SIGNATURES = json.loads((VECTORS / "sendgrid_event_signatures.json").read_text("utf-8"))["vectors"]
EVENTS = json.loads((VECTORS / "sendgrid_events_sample.json").read_text("utf-8"))


@builders.on_sqlite
@each(SIGNATURES)
def test_reports_are_checked_as_sendgrid_signs_them(parts, case):
    """The key is the vector's, and the timestamp must be one."""
    sendgrid = replace(parts.settings.sendgrid, event_public_key=case["public_key"])
    client = create_app(replace(parts, settings=replace(parts.settings, sendgrid=sendgrid))).test_client()
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": case["signature"],
        "X-Twilio-Email-Event-Webhook-Timestamp": case["timestamp"],
    }
    answer = client.post(WEBHOOKS[2], data=base64.b64decode(case["payload_b64"]), headers=headers)

    assert (answer.status_code != 403) == case["valid"]


@builders.on_sqlite
def test_a_boundary_that_is_shifted_between_time_and_body_is_refused(parts, sendgrid, client, monkeypatch):
    monkeypatch.setattr("tests.web.conftest.time.time", lambda: 1763000100)
    answers = []
    monkeypatch.setattr(
        sendgrid,
        "client",
        type(
            "Shifts",
            (),
            {
                "post": lambda _, path, data, headers, **named: answers.append(
                    client.post(
                        path,
                        data=b"0" + data,
                        headers={**headers, "X-Twilio-Email-Event-Webhook-Timestamp": "176300010"},
                    )
                )
            },
        )(),
    )
    sendgrid.events()

    assert answers[0].status_code == 403


@builders.on_sqlite
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1,"])
def test_reports_that_are_no_json_are_a_bad_request(parts, sendgrid, body):
    assert sendgrid.post(WEBHOOKS[2], body).status_code == 400


@builders.on_sqlite
@pytest.mark.parametrize(
    "body", [b"{}", b"null", b"[]", b'"text"', b"[null, 1, {}, []]", b'[{"event": {}, "mid": []}]']
)
def test_json_of_another_shape_is_taken_and_changes_nothing(parts, sendgrid, body):
    assert sendgrid.post(WEBHOOKS[2], body).status_code == 204


def test_good_reports_count_beside_bad_ones(parts, sendgrid):
    one = sent(parts, Channel.EMAIL)
    answer = sendgrid.events(None, {"event": "delivered"}, {"event": "delivered", "mid": str(one)}, {"mid": 5})

    assert answer.status_code == 204
    assert state(parts, one) is State.DELIVERED


def test_one_report_that_no_database_takes_does_not_bring_the_batch_back(parts, sendgrid):
    """SendGrid repeats a batch for a day."""
    one = sent(parts, Channel.EMAIL)
    broken = {"event": "delivered", "mid": str(uuid7()), "sg_message_id": "\ud800"}
    answer = sendgrid.events(broken, {"event": "delivered", "mid": str(one)})

    assert answer.status_code == 204
    assert state(parts, one) is State.DELIVERED


@builders.on_sqlite
def test_while_the_database_is_away_the_batch_is_asked_for_again(app, parts):
    nowhere = opener(connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    sendgrid = SendGrid(create_app(replace(parts, open_db=nowhere)).test_client())
    answer = sendgrid.events({"event": "delivered", "mid": str(uuid7())})

    assert (answer.status_code, answer.text) == (503, "")


STOPPING = [
    {"event": "bounce", "type": "bounce", "reason": "550 no such user"},
    {"event": "spamreport"},
    {"event": "unsubscribe"},
    {"event": "dropped", "reason": "Bounced Address"},
]
PASSING = [
    {"event": "bounce", "type": "blocked", "reason": "421 try later"},
    {"event": "deferred"},
    {"event": "dropped", "reason": "Invalid SMTPAPI header"},
    {"event": "open"},
]


@pytest.mark.parametrize("event", STOPPING, ids=[event["event"] for event in STOPPING])
def test_a_mail_that_cannot_or_may_not_go_there_suppresses_the_address(parts, sendgrid, event):
    sendgrid.events({**event, "mid": str(sent(parts, Channel.EMAIL))})

    with parts.read_db() as db:
        assert is_suppressed(db, Channel.EMAIL, index_of(Channel.EMAIL, ADDRESS))
        assert not is_suppressed(db, Channel.SMS, index_of(Channel.SMS, MOBILE))


@builders.on_sqlite
@pytest.mark.parametrize("event", PASSING, ids=["blocked", "deferred", "our mistake", "open"])
def test_a_mail_that_fails_for_now_suppresses_nothing(parts, sendgrid, event):
    sendgrid.events({**event, "mid": str(sent(parts, Channel.EMAIL))})

    with parts.read_db() as db:
        assert not is_suppressed(db, Channel.EMAIL, index_of(Channel.EMAIL, ADDRESS))


@builders.on_sqlite
def test_every_sample_of_a_report_is_taken(parts, sendgrid):
    events = [*EVENTS["official_examples"].values(), *EVENTS["project_examples"]]

    assert sendgrid.events(*events).status_code == 204
