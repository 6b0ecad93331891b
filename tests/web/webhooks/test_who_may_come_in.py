"""The door for texts: only what is signed comes in. What a text means is tested in test_webhook_texts.py."""

import json
from dataclasses import replace

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from service.app import create_app
from service.models.base import uuid7
from service.web import webhooks
from tests import builders
from tests.web.conftest import PUBLIC, VECTORS, Twilio
from tests.web.webhooks.conftest import MOBILE, WEBHOOKS, each, replies

SAMPLES = json.loads((VECTORS / "twilio_inbound_sample.json").read_text("utf-8"))
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'


@pytest.mark.parametrize("path", WEBHOOKS)
def test_what_is_not_signed_is_refused_without_a_word_and_leaves_nothing(parts, client, path):
    answer = client.post(path, data={"MessageSid": "SM1", "From": MOBILE, "Body": "STOP"})

    assert (answer.status_code, answer.text, replies(parts)) == (403, "", [])


@builders.on_sqlite
@pytest.mark.parametrize("signature", ["", "nonsense", "bm9uc2Vuc2U=", "é"])
def test_a_wrong_signature_is_refused(parts, client, signature):
    headers = {"X-Twilio-Signature": signature}

    assert client.post(WEBHOOKS[0], data={"Body": "STOP"}, headers=headers).status_code == 403
    assert replies(parts) == []


@builders.on_sqlite
def test_a_signature_for_another_text_is_refused(parts, client):
    form = {"MessageSid": "SM1", "From": MOBILE, "Body": "C"}
    signature = RequestValidator("12345").compute_signature(PUBLIC + WEBHOOKS[0], MultiDict(form))
    answer = client.post(WEBHOOKS[0], data={**form, "Body": "STOP"}, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 403


@builders.on_sqlite
def test_a_signature_for_another_delivery_is_refused(parts, twilio, client):
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    mine, other = f"{WEBHOOKS[1]}?m={uuid7()}", f"{WEBHOOKS[1]}?m={uuid7()}"
    signature = RequestValidator("12345").compute_signature(PUBLIC + mine, MultiDict(form))

    assert client.post(other, data=form, headers={"X-Twilio-Signature": signature}).status_code == 403


@builders.on_sqlite
@pytest.mark.parametrize("path", WEBHOOKS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_webhook_takes_posts_alone(client, path, method):
    assert client.open(path, method=method).status_code == 405


@builders.on_sqlite
def test_behind_a_proxy_the_public_address_is_what_is_signed(parts):
    public = "https://groups.example.org/office"
    behind = replace(parts, settings=replace(parts.settings, public_url=public))
    client = create_app(behind).test_client()
    client.environ_base["HTTP_HOST"] = "127.0.0.1:8000"
    answer = Twilio(client).post(WEBHOOKS[0], {"MessageSid": "SM1", "From": MOBILE, "Body": "hi"}, public=public)

    assert answer.status_code == 200


@builders.on_sqlite
@each(SAMPLES["inbound"])
def test_texts_as_twilio_really_sends_them_are_taken(parts, twilio, case):
    answer = twilio.post(WEBHOOKS[0], case["params"])

    assert (answer.status_code, len(replies(parts))) == (200, 1)


@builders.on_sqlite
def test_no_webhook_sets_a_cookie(parts, twilio, sendgrid):
    answers = [
        twilio.text(MOBILE, "hello"),
        twilio.post(WEBHOOKS[1], {"MessageStatus": "sent"}),
        sendgrid.events(),
        sendgrid.post(WEBHOOKS[3], b"--x--", "multipart/form-data; boundary=x"),
    ]

    assert [answer.headers.getlist("Set-Cookie") for answer in answers] == [[]] * 4


@builders.on_sqlite
@pytest.mark.parametrize("body", ["hello", "STOP", "", "I want to die"])
def test_an_answer_is_always_xml(parts, twilio, body):
    assert twilio.text(MOBILE, body).content_type == "text/xml; charset=utf-8"


@builders.on_sqlite
def test_where_nothing_is_to_be_said_the_xml_is_empty(parts, twilio):
    assert twilio.text(MOBILE, "").text == EMPTY


@builders.on_sqlite
@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_a_text_without_an_id_or_a_sender_is_taken_and_nothing_follows(parts, twilio, missing):
    form = {"MessageSid": "SM1", "From": MOBILE, "Body": "STOP"}
    del form[missing]
    answer = twilio.post(WEBHOOKS[0], form)

    assert (answer.status_code, answer.text, replies(parts)) == (200, EMPTY, [])


def test_a_picture_without_words_waits_for_a_person_and_is_not_answered(parts, twilio):
    answer = twilio.text(MOBILE, "", NumMedia="1", MediaUrl0="https://api.twilio.com/x", MediaContentType0="image/png")

    assert answer.text == EMPTY
    assert [reply.handled_at for reply in replies(parts)] == [None]


def test_a_hundred_thousand_characters_are_taken(parts, twilio):
    assert twilio.text(MOBILE, "é" * 100_000).status_code == 200
    assert len(replies(parts)) == 1


@builders.on_sqlite
def test_what_is_larger_than_any_text_is_refused_before_it_is_read(parts, twilio):
    assert twilio.text(MOBILE, "x" * 1_100_000).status_code == 413


@builders.on_sqlite
def test_our_own_trouble_is_a_503_without_words(parts, twilio, monkeypatch):
    def broken(*given):
        raise RuntimeError("a bug")

    monkeypatch.setattr(webhooks, "receive", broken)
    answer = twilio.text(MOBILE, "hello")

    assert (answer.status_code, answer.text) == (503, "")
