"""Mails that answer: signed, read in whatever shape they come, and understood."""

import base64
import json
import re

import pytest
from sqlalchemy import select

from service.channels.sendgrid_inbound import read_mail
from service.flows.suppress import is_suppressed
from service.models import Reply
from service.models.sealed import index_of
from service.rules.consent import Channel
from tests import builders
from tests.web.conftest import VECTORS, SendGrid
from tests.web.webhooks.conftest import ADDRESS, MOBILE, WEBHOOKS, each, replies, sent

MAILS = json.loads((VECTORS / "sendgrid_inbound_parse_samples.json").read_text("utf-8"))["samples"]


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
