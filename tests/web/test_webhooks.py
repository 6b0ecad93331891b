"""The providers' doors. What a text means is tested in test_webhook_texts.py."""

import base64
import json
import re
from dataclasses import replace
from itertools import permutations

import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from service.app import create_app
from service.channels.sendgrid_inbound import read_mail
from service.database import connect, opener
from service.flows.suppress import is_suppressed
from service.models import Delivery, Reply
from service.models.base import uuid7
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.web import webhooks
from tests import builders
from tests.web.conftest import PUBLIC, VECTORS, SendGrid, Twilio

SIGNATURES = json.loads((VECTORS / "sendgrid_event_signatures.json").read_text("utf-8"))["vectors"]
EVENTS = json.loads((VECTORS / "sendgrid_events_sample.json").read_text("utf-8"))
MAILS = json.loads((VECTORS / "sendgrid_inbound_parse_samples.json").read_text("utf-8"))["samples"]
SAMPLES = json.loads((VECTORS / "twilio_inbound_sample.json").read_text("utf-8"))
WEBHOOKS = (
    "/webhooks/twilio/inbound",
    "/webhooks/twilio/status",
    "/webhooks/sendgrid/events",
    "/webhooks/sendgrid/inbound",
)
MOBILE = "+12125550100"
ADDRESS = "anna@example.org"
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'


def each(cases, key="id"):
    return pytest.mark.parametrize("case", cases, ids=[case[key] for case in cases])


def sent(parts, channel=Channel.SMS, state=State.ACCEPTED):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE, email=ADDRESS)
        about = builders.session(db, builders.group(db))
        given = {"attempts": 1, "address_index": who.address_index(channel), "provider_id": "SM1"}
        return builders.delivery(db, who, about, channel=channel, state=state, **given).id


def state(parts, delivery_id):
    with parts.read_db() as db:
        return db.get_one(Delivery, delivery_id).state


def replies(parts):
    with parts.read_db() as db:
        return db.scalars(Reply.newest()).all()


# who may come in


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


# what became of a text


@pytest.mark.parametrize("order", list(permutations(["queued", "sent", "delivered"])))
def test_in_whatever_order_reports_come_the_text_is_delivered(parts, twilio, order):
    one = sent(parts)
    answers = [twilio.post(f"{WEBHOOKS[1]}?m={one}", {"MessageSid": "SM1", "MessageStatus": name}) for name in order]

    assert [answer.status_code for answer in answers] == [204] * 3
    assert state(parts, one) is State.DELIVERED


@builders.on_sqlite
@pytest.mark.parametrize("reference", ["", "nonsense", "01a20a52-81e9-7f8f-93bf-c18f772c1e77", "1' OR '1'='1"])
def test_a_report_on_what_we_do_not_know_is_taken_and_changes_nothing(parts, twilio, reference):
    one = sent(parts)
    path = f"{WEBHOOKS[1]}?m={reference}".replace(" ", "%20").replace("'", "%27")

    assert twilio.post(path, {"MessageSid": "SM1", "MessageStatus": "delivered"}).status_code == 204
    assert state(parts, one) is State.ACCEPTED


@pytest.mark.parametrize("code", ["21610", "30005"])
def test_a_code_that_gives_up_the_number_suppresses_it(parts, twilio, code):
    one = sent(parts)
    twilio.post(f"{WEBHOOKS[1]}?m={one}", {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": code})

    assert state(parts, one) is State.UNDELIVERED
    with parts.read_db() as db:
        assert is_suppressed(db, Channel.SMS, index_of(Channel.SMS, MOBILE))


# mails: reports


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


# mails: answers


def mail_of(case):
    return read_mail(base64.b64decode(case["raw_body_b64"]), case["content_type"])


def told(key):
    return [case for case in MAILS if key in case["expect"]]


def posted(client, case):
    names = {"Content-Type": case["content_type"], **case["headers"]}
    headers = {name: value for name, value in names.items() if name != "User-Agent"}
    return client.post(WEBHOOKS[3], data=base64.b64decode(case["raw_body_b64"]), headers=headers)


@builders.on_sqlite
@each(MAILS)
def test_a_signed_mail_is_kept_and_one_that_is_not_is_refused(parts, client, case):
    is_signed = any("Signature" in name for name in case["headers"])

    assert posted(client, case).status_code == (204 if is_signed else 403)
    assert len(replies(parts)) == is_signed


@each([case for case in MAILS if {"text_decoded", "text_decoded_fallback", "top_text"} & set(case["expect"])])
def test_a_mail_is_read_in_its_own_charset_and_without_what_it_quotes(case):
    expect = case["expect"]
    wanted = expect.get("text_decoded", expect.get("text_decoded_fallback", expect.get("top_text")))

    assert mail_of(case).words == (wanted or "Re: How was your week?")


@each(told("auto"))
def test_a_mail_that_a_machine_wrote_is_known(case):
    assert mail_of(case).is_automatic == case["expect"]["auto"]


@each([case for case in MAILS if case["id"] in ("html-only", "huge-line", "attachment", "raw-mode")])
def test_words_are_found_in_whatever_shape_a_mail_comes(case):
    assert "<" not in mail_of(case).words
    assert mail_of(case).words != ""


@pytest.mark.parametrize("body", [b"", b"nonsense", b"--x\r\n\r\n--x--", b"\xff" * 1000])
@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_post_that_is_no_form_is_read_as_a_mail_without_words(body, content_type):
    assert read_mail(body, content_type).words == ""


def form(text, sender=ADDRESS, **fields):
    """A mail as SendGrid posts it."""
    said = {"text": text, "envelope": json.dumps({"to": ["reply@in.example.org"], "from": sender}), **fields}
    rows = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in said.items()]
    return ("".join(rows) + "--x--\r\n").encode()


def mail(sendgrid: SendGrid, text, **fields):
    return sendgrid.post(WEBHOOKS[3], form(text, **fields), "multipart/form-data; boundary=x")


def test_the_same_mail_again_is_one_reply(parts, sendgrid):
    mail(sendgrid, "hello")
    mail(sendgrid, "hello")

    assert len(replies(parts)) == 1


def test_a_mail_is_its_members_where_the_address_is_theirs(parts, sendgrid):
    sent(parts, Channel.EMAIL)
    mail(sendgrid, "I felt calmer", sender="anna@EXAMPLE.org")

    assert [(reply.member_id is not None, reply.text, reply.channel) for reply in replies(parts)] == [
        (True, "I felt calmer", Channel.EMAIL)
    ]


@pytest.mark.parametrize("words", ["STOP", "please stop emailing me", "unsubscribe"])
def test_an_opt_out_by_mail_ends_the_mails(parts, sendgrid, words):
    sent(parts, Channel.EMAIL)
    mail(sendgrid, f"{words}\r\n\r\nOn Mon, Jan 4 Oak St Office wrote:\r\n> How was your week?")

    with parts.read_db() as db:
        assert is_suppressed(db, Channel.EMAIL, index_of(Channel.EMAIL, ADDRESS))
        assert not is_suppressed(db, Channel.SMS, index_of(Channel.SMS, MOBILE))


def test_words_of_distress_in_a_mail_need_a_person_now(parts, sendgrid):
    mail(sendgrid, "I want to die")

    with parts.read_db() as db:
        assert len(db.scalars(Reply.urgent()).all()) == 1


def test_what_a_mail_quotes_is_not_taken_for_the_members_words(parts, sendgrid):
    mail(sendgrid, "Thanks, fine.\r\n\r\n> If you want to die call 988")

    with parts.read_db() as db:
        assert db.scalars(Reply.urgent()).all() == []


def test_a_machines_mail_waits_for_nobody(parts, sendgrid):
    mail(sendgrid, "I am away", headers="Auto-Submitted: auto-replied")

    assert [(reply.meaning, reply.handled_at is None) for reply in replies(parts)] == [("automatic", False)]


@builders.on_sqlite
def test_a_mail_with_pictures_of_ten_megabytes_is_taken(parts, sendgrid):
    picture = b'--x\r\nContent-Disposition: form-data; name="attachment1"; filename="a.jpg"\r\n\r\n' + b"j" * 10_000_000
    answer = sendgrid.post(WEBHOOKS[3], picture + b"\r\n" + form("see file"), "multipart/form-data; boundary=x")

    assert answer.status_code == 204
    assert [reply.text for reply in replies(parts)] == ["see file"]


def test_the_answer_to_a_text_is_known_by_the_name_that_its_reports_give(parts, twilio):
    answer = twilio.text("+12125550188", "HELP", sid="SM1").text
    report = re.search(r'statusCallback="([^"]+)"', answer)[1]
    assert report == "http://127.0.0.1:8000/webhooks/twilio/status?a=SM1"
    codes = [
        twilio.post("/webhooks/twilio/status?a=SM1", {"MessageSid": "SM2", "MessageStatus": status}).status_code
        for status in ("sent", "delivered", "delivered")
    ]

    assert codes == [204] * 3
    assert twilio.post("/webhooks/twilio/status?a=nobody", {"MessageSid": "SM3"}).status_code == 204
    with parts.read_db() as db:
        assert db.scalars(select(Reply.answer_provider_id)).all() == ["SM2"]
