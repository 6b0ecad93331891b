"""The judge must be able to convict: what was sent twice, never, to others, too early or too late."""

import json
import sqlite3
import subprocess
import sys

import pytest

from sandbox import audit, config
from tests.sandbox.conftest import ALICE, expected

NOON = "2026-03-06T12:00:00+00:00"


@pytest.fixture
def three(text):
    """Three expected messages, sent as expected."""
    wanted = [expected(n, f"+1202555014{n}") for n in range(3)]
    for number, one in enumerate(wanted):
        text(one["to"], f"Reminder {number}", reference=one["app_message_id"])
    return wanted


def in_ledger(sandbox, sql: str) -> None:
    sandbox.box.world.ledger.flush()
    with sqlite3.connect(sandbox.box.world.ledger.path) as db:
        db.execute(sql)
    db.close()


def test_what_was_sent_as_expected_is_green(sandbox, three, mail):
    mail()
    sandbox.settle()
    wanted = [*three, {"app_message_id": "m1", "to": "ann@example.sandbox.test", "channel": "email"}]

    assert sandbox.audit(*wanted, forbidden_words=["depression"], segments_budget=2) == {}
    assert sandbox.get("audit")["green"]


@pytest.mark.parametrize(
    ("mutation", "found"),
    [
        ("DELETE FROM accepted WHERE seq = 2", "lost"),
        ("DELETE FROM accepted WHERE seq = 3", "lost"),
        (
            "INSERT INTO accepted SELECT seq + 100, t_virtual, t_real, provider, 'SM9', account, to_norm, \"from\", "
            "channel_body_sha256, body, subject, segments, status_callback, app_message_id, request_sha256, "
            "client_got_answer, fault, user_agent, peer_port, direction, service, detail FROM accepted WHERE seq = 1",
            "duplicate",
        ),
        ("UPDATE accepted SET to_norm = '+12025550142' WHERE seq = 1", "wrong_recipient"),
        ("UPDATE accepted SET app_message_id = 'd9' WHERE seq = 1", "unexpected"),
    ],
)
def test_a_changed_ledger_is_reported(sandbox, three, mutation, found):
    in_ledger(sandbox, mutation)

    assert found in sandbox.audit(*three)


def test_two_swapped_recipients_are_both_reported(sandbox, three):
    in_ledger(sandbox, "UPDATE accepted SET to_norm = '+1202555014' || (2 - seq) WHERE seq IN (1, 2)")

    assert len(sandbox.audit(*three)["wrong_recipient"]) == 2


def send_all(sandbox, text, numbers: int, retries: int) -> list[dict]:
    """A naive sender, under a plan in which every first answer gets lost, before or after acceptance."""
    kinds = ("reset_after_accept", "reset_before_accept")
    plans = [{"fault": kinds[n % 2], "match": {"body": f"number {n}"}, "times": 1} for n in range(numbers)]
    sandbox.post("faults", plans)
    wanted = [expected(n, f"+120255501{n:02}") for n in range(numbers)]
    for number, one in enumerate(wanted):
        for _ in range(1 + retries):
            try:
                text(one["to"], f"number {number}", reference=one["app_message_id"])
                break
            except OSError:
                continue
    return wanted


def test_a_sender_that_always_retries_is_convicted_of_duplicates(sandbox, text):
    found = sandbox.audit(*send_all(sandbox, text, 10, retries=3))

    assert len(found["duplicate"]) == 5
    assert "lost" not in found


def test_a_sender_that_never_retries_is_convicted_of_losses(sandbox, text):
    found = sandbox.audit(*send_all(sandbox, text, 10, retries=0))

    assert len(found["lost"]) == 5
    assert "duplicate" not in found


def test_the_same_words_twice_in_a_day_are_a_duplicate_without_an_id(sandbox, twilio):
    for _ in range(2):
        twilio.messages.create(to=ALICE, from_=config.NUMBER, body="Hello")
        sandbox.advance(3600)
    assert len(sandbox.audit()["duplicate"]) == 1
    sandbox.advance(86_400)
    twilio.messages.create(to=ALICE, from_=config.NUMBER, body="Hello")

    assert len(sandbox.audit()["duplicate"]) == 1


def test_nothing_is_unexpected_when_nothing_was_said_to_be_expected(sandbox, text):
    text()

    assert sandbox.get("audit")["lists"]["unexpected"] == []


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({"not_before": "2026-03-06T12:00:01+00:00"}, "early"),
        ({"not_after": "2026-03-06T11:59:59+00:00"}, "late"),
        ({"not_before": NOON, "not_after": NOON}, None),
    ],
)
def test_early_and_late_are_told_apart(sandbox, text, window, found):
    text(reference="d1")

    assert list(sandbox.audit(expected(1, **window))) == ([found] if found else [])


def test_a_slow_answer_is_found(sandbox, three):
    sandbox.settle()
    in_ledger(sandbox, "UPDATE deliveries SET ms = 2500 WHERE seq = 1")

    assert len(sandbox.audit(*three)["webhook_slow"]) == 1


def test_no_answer_is_found(sandbox, text):
    sandbox.post("config", {"status_url": None})
    text(reference="d1", status_callback="http://127.0.0.1:9/status?m=d1")
    sandbox.settle()

    assert "webhook_unanswered" in sandbox.audit(expected(1))


def test_a_text_longer_than_twilio_takes_would_be_found(sandbox, three):
    in_ledger(sandbox, f"UPDATE accepted SET body = '{'x' * 1601}' WHERE seq = 1")

    assert len(sandbox.audit(*three)["over_1600"]) == 1


def test_a_list_can_be_left_out(sandbox, text):
    text(body="Can’t make it?", reference="d1")

    assert sandbox.audit(expected(1), skip=["ucs2_by_accident"]) == {}


@pytest.mark.parametrize("told", [7, {"colour": 1}, {"skip": ["nonsense"]}])
def test_an_expectation_that_makes_no_sense_is_refused(sandbox, told):
    assert sandbox.refusal("POST", "expect", told)


def test_every_list_of_the_design_is_there():
    assert set(audit.LISTS) >= {
        "lost", "duplicate", "unexpected", "early", "late", "after_optout", "after_optout_sent", "quiet_hours",
        "wrong_recipient", "over_1600", "segments_over_budget", "ucs2_by_accident", "shared_to", "pii_in_custom_args",
        "pii_in_callback_url", "tracking_on", "forbidden_word", "not_redacted", "no_one_click", "no_auto_submitted",
        "reply_to_without_token", "token_not_lowercase",
    }  # fmt: skip


@pytest.mark.parametrize(("wanted", "code"), [(1, 0), (2, 1)])
def test_a_ledger_can_be_judged_without_a_running_sandbox(sandbox, text, tmp_path, wanted, code):
    text(reference="d1")
    sandbox.audit(*[expected(n + 1) for n in range(wanted)])
    sandbox.box.world.ledger.flush()

    command = [sys.executable, "-m", "sandbox.audit", "--data", str(tmp_path)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)

    assert judged.returncode == code
    assert bool(json.loads(judged.stdout)["lists"]["lost"]) is (code == 1)
