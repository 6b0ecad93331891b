"""Blanking by the unmodified official client, against the sandbox."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from service.channels import Message
from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.flows import blank
from service.models import ProviderCopy
from service.rules.consent import Channel
from service.settings import Settings
from tests.flows.blank.conftest import MOBILE, heard, left, remove, sent


@pytest.fixture
def wired(post, sandbox):
    """The unmodified official client, against the sandbox."""
    settings = Settings.from_env({"TWILIO_API_BASE": sandbox.url})
    sms = TwilioSms(settings.twilio, Transport(post.patience), "https://groups.example.org/webhooks/twilio/status")
    return replace(post, channels={**post.channels, Channel.SMS: sms})


def at_twilio(wired, sandbox, name):
    (row,) = [row for row in sandbox.ask("ledger")["state_changes"] if row["provider_id"] == name][-1:]
    return row["status"]


def test_the_sandbox_has_no_words_left_of_what_is_gone_here(parts, wired, sandbox, who):
    name = wired.channels[Channel.SMS].send(Message(to=MOBILE, text="See you", reference="r1")).provider_id
    came = sandbox.tell("inbound/sms", {"from": MOBILE, "to": wired.channels[Channel.SMS].sender, "body": "words"})
    sandbox.ask("quiesce?timeout=30&ahead=1000")
    sent(parts, who, name)
    heard(parts, came["sid"])
    remove(parts)

    assert (blank.blank(wired), left(parts)) == (2, [])
    assert {at_twilio(wired, sandbox, one) for one in (name, came["sid"])} == {"redacted"}
    assert wired.channels[Channel.SMS].look_up(MOBILE, "See you", None) == []


def test_a_text_on_its_way_is_asked_for_again_when_it_has_ended(parts, wired, sandbox, who, clock):
    sandbox.tell("clock", {"rate": 0})
    sandbox.tell("config", {"latency": "typical"})
    name = wired.channels[Channel.SMS].send(Message(to=MOBILE, text="See you", reference="r1")).provider_id
    sent(parts, who, name)
    remove(parts)
    assert (blank.blank(wired), left(parts)) == (0, [name])
    with parts.read_db() as db:
        assert db.scalars(select(ProviderCopy)).one().failing_since is None

    sandbox.ask("quiesce?timeout=30&ahead=100000")
    clock.go(minutes=2)
    assert (blank.blank(wired), at_twilio(wired, sandbox, name)) == (1, "redacted")


def test_what_twilio_has_no_more_is_done(parts, wired, who):
    sent(parts, who, "SM" + "a" * 32)
    remove(parts)

    assert (blank.blank(wired), left(parts)) == (1, [])


@pytest.mark.parametrize("fault", ["http_429_json", "reset_before_accept", "auth_revoked", "not_json"])
def test_whatever_breaks_on_the_wire_it_is_asked_for_again(parts, wired, sandbox, who, clock, fault):
    name = wired.channels[Channel.SMS].send(Message(to=MOBILE, text="See you", reference="r1")).provider_id
    sandbox.ask("quiesce?timeout=30&ahead=1000")
    sent(parts, who, name)
    remove(parts)
    sandbox.tell("faults", [{"match": {"provider": "twilio", "op": "update"}, "fault": fault, "times": 1}])
    assert (blank.blank(wired), left(parts)) == (0, [name])

    clock.go(minutes=11)
    assert (blank.blank(wired), at_twilio(wired, sandbox, name)) == (1, "redacted")
