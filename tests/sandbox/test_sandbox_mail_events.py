"""What becomes of a mail, and how SendGrid tells of it."""

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook

from sandbox.sendgrid.signature import PUBLIC_KEY, SIGNATURE, TIMESTAMP


def events(app) -> list[dict]:
    return [event for call in app.heard("/events") for event in call.events]


def kinds(app) -> list[str]:
    return [event["event"] for event in events(app)]


def test_a_mail_is_processed_and_delivered(sandbox, mail, app):
    answer = mail()
    sandbox.settle()

    assert kinds(app) == ["processed", "delivered"]
    first = events(app)[0]
    assert (first["mid"], first["email"]) == ("m1", "ann@example.sandbox.test")
    assert first["sg_message_id"].startswith(answer.headers["X-Message-Id"] + ".")


def test_events_are_signed_over_their_raw_bytes(sandbox, mail, app):
    mail(subject="Ça va ?")
    sandbox.settle()
    call = app.calls[0]

    assert EventWebhook(PUBLIC_KEY).verify_signature(
        call.body.decode(), call.headers[SIGNATURE], call.headers[TIMESTAMP]
    )
    assert call.body.endswith(b"}]\r\n")
    assert b"},\r\n{" in call.body


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("bounce", ["processed", "bounce"]),
        ("block", ["processed", "bounce"]),
        ("drop", ["dropped"]),
        ("defer3", ["processed", "deferred", "deferred", "deferred", "delivered"]),
        ("spam", ["processed", "delivered", "spamreport"]),
        ("late-bounce", ["processed", "delivered", "bounce"]),
    ],
)
def test_a_mailbox_behaves_as_it_is_called(sandbox, mail, app, local, expected):
    mail(f"{local}@anywhere.sandbox.test")
    sandbox.settle()

    assert kinds(app) == expected


def test_a_mailbox_that_always_defers_is_blocked_after_72_hours(sandbox, mail, app):
    mail("defer100@anywhere.sandbox.test")
    sandbox.settle(ahead=400_000)

    assert kinds(app).count("deferred") == 72
    assert events(app)[-1]["type"] == "blocked"


def test_only_a_bounce_suppresses_an_address(sandbox, mail, app):
    for local in ("bounce", "block"):
        mail(f"{local}@anywhere.sandbox.test")
    sandbox.settle()
    mail("bounce@anywhere.sandbox.test")
    sandbox.settle()

    assert events(app)[-1]["reason"] == "Bounced Address"
    suppressed = sandbox.get("state")["suppressed"]
    assert suppressed["bounces"] == ["bounce@anywhere.sandbox.test"]
    assert suppressed["blocks"] == ["block@anywhere.sandbox.test"]


def test_a_bounce_that_comes_late_knows_only_the_address(sandbox, mail, app):
    mail("late-bounce@anywhere.sandbox.test")
    sandbox.settle()

    assert sorted(events(app)[-1]) == ["email", "event", "reason", "sg_event_id", "status", "timestamp", "type"]


def test_events_have_the_fields_of_recorded_ones(sandbox, mail, app, vectors):
    recorded = {one["event"]: one for one in vectors("sendgrid_events_sample")["project_examples"][:4]}
    mail("bounce@anywhere.sandbox.test", categories=["reminder"])
    mail("defer1@anywhere.sandbox.test", categories=["reminder"])
    sandbox.settle()

    extras = {"ip", "tls", "domain", "bounce_classification"}
    for event in events(app):
        assert set(event) - extras == set(recorded[event["event"]]) - extras


def test_opening_is_seen_unless_it_was_switched_off(sandbox, mail, app):
    html = {"content": [{"type": "text/plain", "value": "x"}, {"type": "text/html", "value": "<p>x</p>"}]}
    mail(**html)
    sandbox.settle()
    assert "open" not in kinds(app)
    mail(tracking_settings={}, **html)
    sandbox.settle()

    assert kinds(app)[-1] == "open"


def test_events_are_gathered_for_half_a_minute(sandbox, mail, app):
    for number in range(20):
        mail(f"p{number}@x.sandbox.test")
    sandbox.settle()

    assert len(app.calls) == 1
    assert len(events(app)) == 40


def test_several_servers_post_for_themselves(sandbox, mail, app):
    sandbox.post("config", {"event_servers": 4})
    for number in range(20):
        mail(f"p{number}@x.sandbox.test")
    sandbox.settle()

    assert len(app.calls) == 4
    assert len(events(app)) == 40


def test_a_batch_that_fails_is_tried_again_for_a_day(sandbox, mail, app):
    app.answer = lambda _call: (503, {}, b"")
    mail()
    sandbox.settle(ahead=200_000)

    attempts = [row["attempt"] for row in sandbox.get("deliveries")["deliveries"]]
    assert attempts == list(range(1, 12))
    assert len({call.body for call in app.calls}) == 1


@pytest.mark.parametrize(("renew", "stamps"), [(False, 1), (True, 3)])
def test_whether_a_retry_is_signed_anew_can_be_switched(sandbox, mail, app, renew, stamps):
    app.answer = lambda _call: (503 if len(app.calls) < 3 else 204, {}, b"")
    sandbox.post("config", {"renew_timestamp_on_retry": renew})
    mail()
    sandbox.settle()

    assert len({call.headers[TIMESTAMP] for call in app.calls}) == stamps


def test_a_redirect_counts_as_failure(sandbox, mail, app):
    app.answer = lambda _call: (302 if len(app.calls) < 2 else 204, {"Location": "/elsewhere"}, b"")
    mail()
    sandbox.settle()

    assert [call.path for call in app.calls] == ["/webhooks/sendgrid/events"] * 2


def test_a_test_event_can_be_asked_for(sandbox, sendgrid, app):
    sendgrid.client.user.webhooks.event.test.post(request_body={"url": "x"})
    sandbox.settle()

    assert kinds(app) == ["processed"]


def test_a_test_can_force_an_event(sandbox, mail, app):
    name = mail().headers["X-Message-Id"]
    sandbox.post(f"events/{name}", {"event": "unsubscribe"})
    sandbox.settle()

    assert "unsubscribe" in kinds(app)
    assert sandbox.get("state")["suppressed"]["unsubscribes"] == ["ann@example.sandbox.test"]
