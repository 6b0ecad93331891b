"""Handing mail to SendGrid: what is taken over, and what is refused and why."""

import base64
import json

import pytest
from python_http_client import exceptions
from sendgrid import SendGridAPIClient

from sandbox import config
from tests.patience import eventually


def refusal(call, *args, **more) -> tuple[int, list[str]]:
    with pytest.raises(exceptions.HTTPError) as caught:
        call(*args, **more)
    body = json.loads(caught.value.body) if caught.value.body.startswith(b"{") else {"errors": []}
    return caught.value.status_code, [error["field"] for error in body["errors"]]


def test_a_mail_is_taken_over_with_a_name(sandbox, mail):
    answer = mail()

    assert (answer.status_code, answer.body) == (202, b"")
    assert len(answer.headers["X-Message-Id"]) == 22
    assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]
    row = sandbox.accepted()[0]
    assert (row["provider_id"], row["app_message_id"]) == (answer.headers["X-Message-Id"], "m1")
    assert row["to_norm"] == "ann@example.sandbox.test"
    assert eventually(lambda: sandbox.accepted()[0]["client_got_answer"], 1) == 1


def attachment(**more) -> dict:
    return {"content": base64.b64encode(b"x").decode(), "filename": "a.ics", **more}


def person(*addresses: str) -> dict:
    return {"personalizations": [{"to": [{"email": address} for address in addresses]}]}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("personalizations", {"personalizations": []}),
        ("personalizations", {"personalizations": [{"to": [{"email": "a@b.example"}]}] * 1001}),
        ("personalizations.0.to", {"personalizations": [{}]}),
        ("personalizations.0.to.0.email", person("not an address")),
        ("personalizations.0.to", person("ann@b.example", "Ann@b.example")),
        ("from.email", {"from": {}}),
        ("from.email", {"from": {"email": "nobody"}}),
        ("reply_to", {"reply_to_list": [{"email": "a@b.example"}]}),
        ("reply_to.email", {"reply_to": {"email": "nobody"}}),
        ("subject", {"subject": ""}),
        ("content", {"content": []}),
        ("content.0.value", {"content": [{"type": "text/plain", "value": ""}]}),
        ("content.0.type", {"content": [{"value": "x"}]}),
        ("content", {"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}),
        ("attachments.0.type", {"attachments": [attachment(type="text/calendar; method=REQUEST")]}),
        ("attachments.0.type", {"attachments": [attachment(type="text/calendar\r\nX: y")]}),
        ("attachments.0.content", {"attachments": [{"content": "§", "filename": "a"}]}),
        ("attachments.0.filename", {"attachments": [{"content": "eA=="}]}),
        ("attachments.0.disposition", {"attachments": [attachment(disposition="hidden")]}),
        ("headers.Reply-To", {"headers": {"Reply-To": "a@b.example"}}),
        ("headers.X-Break", {"headers": {"X-Break": "a\r\nBcc: b@c.example"}}),
        ("categories", {"categories": [str(n) for n in range(11)]}),
        ("categories.0", {"categories": ["é"]}),
        ("custom_args", {"custom_args": {"mid": 7}}),
        ("custom_args", {"custom_args": {"mid": "x" * 10_001}}),
        ("asm.group_id", {"asm": {"group_id": "one"}}),
        ("asm.groups_to_display", {"asm": {"group_id": 1, "groups_to_display": [1] * 26}}),
        ("ip_pool_name", {"ip_pool_name": "x"}),
        ("send_at", {"send_at": 4_000_000_000}),
    ],
)
def test_what_sendgrid_refuses_is_refused_with_its_field(sandbox, mail, field, change):
    status, fields = refusal(mail, **change)

    assert (status, set(fields)) == (400, {field})
    assert sandbox.accepted() == []


def test_every_problem_is_named(sandbox, mail):
    status, fields = refusal(mail, subject="", content=[], headers={"To": "x"})

    assert (status, fields) == (400, ["subject", "content", "headers.To"])


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("SG.wrong", 401, "The provided authorization grant is invalid, expired, or revoked"),
        (config.SENDGRID_KEY_WITHOUT_SCOPE, 403, "access forbidden"),
        ("SG." + "x" * 66, 401, "The provided authorization grant is invalid, expired, or revoked"),
    ],
)
def test_strangers_are_turned_away(sandbox, payload, caplog, key, status, words):
    client = SendGridAPIClient(key, host=sandbox.url)
    with pytest.raises(exceptions.HTTPError) as caught:
        client.send(payload())

    assert (caught.value.status_code, json.loads(caught.value.body)["errors"][0]["message"]) == (status, words)
    assert ("not a place for them" in caplog.text) is (len(key) == 69)


def test_a_used_up_plan_refuses_with_another_401(sandbox, mail):
    sandbox.post("config", {"out_of_credit": True})
    with pytest.raises(exceptions.UnauthorizedError) as caught:
        mail()

    assert b"Maximum credits exceeded" in caught.value.body


def test_too_large_a_mail_is_refused_by_a_web_page(sandbox, mail):
    with pytest.raises(exceptions.PayloadTooLargeError) as caught:
        mail(content=[{"type": "text/plain", "value": "x" * (31 << 20)}])

    assert caught.value.body.startswith(b"<html>")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b'{"subject": "\xff"}', "application/json", 415), (b"{}", "text/plain", 415), (b"{", "application/json", 400)],
)
def test_what_is_not_json_in_utf8_is_refused(sandbox, body, kind, status):
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    headers = {"Authorization": f"Bearer {config.SENDGRID_KEY}", "Content-Type": kind}
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(f"{sandbox.url}/v3/mail/send", body, headers), timeout=5)

    assert caught.value.code == status
    caught.value.close()


def test_sendgrids_own_sandbox_mode_checks_and_does_not_send(sandbox, mail, app):
    answer = mail(mail_settings={"sandbox_mode": {"enable": True}})
    sandbox.settle()

    assert answer.status_code == 200
    assert (sandbox.accepted(), app.calls) == ([], [])


def test_each_recipient_is_written_down(sandbox, mail):
    mail(personalizations=[
        {"to": [{"email": "a@x.sandbox.test"}], "cc": [{"email": "b@x.sandbox.test"}]},
        {"to": [{"email": "c@x.sandbox.test"}]},
    ])  # fmt: skip

    rows = sandbox.accepted()
    assert [row["to_norm"] for row in rows] == ["a@x.sandbox.test", "b@x.sandbox.test", "c@x.sandbox.test"]
    assert len({row["provider_id"] for row in rows}) == 1


def test_suppressions_can_be_read_and_lifted(sandbox, mail, sendgrid):
    mail("bounce@example.sandbox.test")
    sandbox.settle()
    bounces = sendgrid.client.suppression.bounces
    address = "bounce@example.sandbox.test"

    assert [one["email"] for one in json.loads(bounces.get().body)] == [address]
    assert json.loads(bounces._(address).get().body)[0]["status"] == "5.1.1"
    assert bounces._(address).delete().status_code == 204
    assert json.loads(bounces.get().body) == []
    with pytest.raises(exceptions.NotFoundError):
        bounces._(address).delete()


def test_a_global_unsubscribe_is_empty_for_those_who_did_not(sendgrid):
    suppressions = sendgrid.client.asm.suppressions._("global")
    suppressions.post(request_body={"recipient_emails": ["Ann@b.example"]})

    assert json.loads(suppressions._("ann@b.example").get().body) == {"recipient_email": "ann@b.example"}
    assert json.loads(suppressions._("ben@b.example").get().body) == {}
    assert suppressions._("ann@b.example").delete().status_code == 204
    assert json.loads(sendgrid.client.suppression.unsubscribes.get().body) == []


def test_unsubscribe_groups_have_members(sendgrid):
    groups = sendgrid.client.asm.groups
    number = str(json.loads(groups.post(request_body={"name": "Reminders"}).body)["id"])
    groups._(number).suppressions.post(request_body={"recipient_emails": ["ann@b.example"]})

    assert json.loads(groups._(number).suppressions.get().body) == ["ann@b.example"]
    assert json.loads(groups._(number).get().body)["unsubscribes"] == 1
    groups._(number).suppressions._("ann@b.example").delete()
    assert json.loads(groups._(number).suppressions.get().body) == []
    assert groups._(number).patch(request_body={"name": "Other"}).status_code == 201
    assert groups._(number).delete().status_code == 204
    assert json.loads(groups.get().body) == []


def test_a_scheduled_batch_can_be_cancelled(sandbox, mail, sendgrid, app):
    batch = json.loads(sendgrid.client.mail.batch.post().body)["batch_id"]
    later = int(sandbox.box.world.clock.now()) + 7200
    mail(batch_id=batch, send_at=later)
    sendgrid.client.user.scheduled_sends.post(request_body={"batch_id": batch, "status": "cancel"})
    sandbox.settle()

    assert json.loads(sendgrid.client.user.scheduled_sends.get().body) == [{"batch_id": batch, "status": "cancel"}]
    assert app.calls == []


def test_a_scheduled_mail_waits_for_its_time(sandbox, mail, app):
    mail(send_at=int(sandbox.box.world.clock.now()) + 7200)
    sandbox.advance(7100)
    assert app.calls == []
    sandbox.settle()

    assert app.calls


def test_the_public_key_and_the_scopes_can_be_read(sendgrid):
    settings = sendgrid.client.user.webhooks.event.settings.signed.get()

    assert json.loads(settings.body)["public_key"].startswith("MFkwEwYHKoZIzj0")
    assert "mail.send" in json.loads(sendgrid.client.scopes.get().body)["scopes"]


def test_what_nobody_serves_is_counted(sandbox, sendgrid):
    with pytest.raises(exceptions.NotFoundError):
        sendgrid.client.marketing.contacts.get()

    assert sandbox.get("unknown")["unknown"][0]["path"] == "/v3/marketing/contacts"


def test_an_unverified_sender_is_refused(sandbox, mail):
    sandbox.post("config", {"verified_senders": ["other.example"]})
    assert refusal(mail)[0] == 403
    sandbox.post("config", {"verified_senders": ["practice.example"]})

    assert mail().status_code == 202


def test_a_member_of_an_unsubscribe_group_is_not_mailed(sandbox, mail, sendgrid, app):
    number = json.loads(sendgrid.client.asm.groups.post(request_body={"name": "Reminders"}).body)["id"]
    told = {"recipient_emails": ["ann@example.sandbox.test"]}
    sendgrid.client.asm.groups._(str(number)).suppressions.post(request_body=told)
    mail(asm={"group_id": number})
    sandbox.settle()

    assert [event["event"] for call in app.calls for event in call.events] == ["dropped"]
