"""The adapter against the sandbox and each of its faults."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from service.channels import AddressRefused, Ambiguous, ChannelDown, Message, NotAccepted
from tests.builders import on_sqlite
from tests.channels.twilio_sms.conftest import IMPATIENT, MESSAGE, channel

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
