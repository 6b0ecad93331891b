"""What the commands show: exactly their fields, and no name."""

import re
from datetime import timedelta

import pytest

from service.database import opener
from service.models import Delivery
from service.rules.consent import MESSAGES
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, on_sqlite

QUEUE = "id kind rule_id group_session_id member_id channel state due_at held_until expires_at why"
LOG = (
    "id kind rule_id group_session_id member_id channel state reason due_at marked_at accepted_at settled_at expires_at"
    " provider_id attempts"
)
SESSIONS = "id group starts_at ends_at state coming cannot silent"
MEMBERS = "id mobile_last2 channel language consents state"


def test_the_queue_has_exactly_its_fields(installed, filled):
    (line,) = installed("queue", "--json").lines

    assert list(line) == QUEUE.split()
    assert (line["id"], line["state"], line["due_at"]) == (
        str(filled.delivery),
        "scheduled",
        "2027-01-06T23:30:00.000Z",
    )
    assert (line["held_until"], line["why"]) == (None, "24 hours before the session")


def test_the_queue_looks_as_far_ahead_as_it_is_told(installed, filled):
    assert installed("queue", "--days", "1", "--json").lines == []


def test_the_log_has_exactly_its_fields(installed, filled, engine):
    with opener(engine)() as db:
        row = db.get_one(Delivery, filled.delivery)
        row.due_at = row.next_at = NOW - timedelta(hours=1)
        row.move(db, State.CANCELLED, NOW, "rule switched off", by="planner")
    (line,) = installed("log", "--json").lines

    assert list(line) == LOG.split()
    assert (line["state"], line["reason"], line["attempts"]) == ("cancelled", "rule switched off", 0)


def test_the_log_holds_only_what_was_due(installed, filled):
    assert installed("log", "--json").lines == []


@on_sqlite
def test_the_log_begins_where_it_is_told(installed, filled, engine):
    with opener(engine)() as db:
        db.get_one(Delivery, filled.delivery).due_at = NOW - timedelta(hours=1)

    assert len(installed("log", "--json", "--since", "2027-01-04T13:59:00Z").lines) == 1
    assert installed("log", "--json", "--since", "2027-01-04T14:01:00Z").lines == []


def test_sessions_have_exactly_their_fields(installed, filled):
    (line,) = installed("sessions", "--json").lines

    assert list(line) == SESSIONS.split()
    assert (line["group"], line["coming"], line["cannot"], line["silent"]) == ("Thursday group", 0, 0, 1)


def test_members_have_exactly_their_fields(installed, filled):
    (line,) = installed("members", "--json").lines

    assert list(line) == MEMBERS.split()
    assert (line["mobile_last2"], line["channel"], line["language"], line["state"]) == ("00", "sms", "en", "active")
    assert line["consents"] == [f"sms:{purpose}" for purpose in MESSAGES]


@on_sqlite
@pytest.mark.parametrize("command", ["queue", "log", "sessions", "members", "plan"])
def test_no_output_names_a_member_or_the_group(installed, filled, command):
    options = ["--dry-run", "--json"] if command == "plan" else ["--json"]
    ran = installed(command, *options)

    said = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", ran.out)  # a random id may hold 555
    assert not [word for word in ("Anna", "Bell", "555", "grief") if word in said]
    assert installed(command, *options[:-1]).code == 0


@on_sqlite
@pytest.mark.parametrize("command", ["queue", "log", "sessions", "members"])
def test_without_anything_to_show_it_says_so(installed, command):
    assert (installed(command).out, installed(command, "--json").out) == ("Nothing.\n", "")


def test_a_plan_that_is_only_looked_at_changes_nothing(installed, filled, engine):
    with opener(engine)() as db:
        db.delete(db.get_one(Delivery, filled.delivery))
    ran = installed("plan", "--dry-run", "--json")

    would = {line["channel"]: line["would"] for line in ran.lines}
    assert would == {
        "sms": "go: 24 hours before the session",
        "email": "not go: channel not chosen by the member",
    }
    with opener(engine)() as db:
        assert builders.all_deliveries(db) == []


def test_a_plan_can_be_looked_at_as_of_another_day(installed, filled):
    ran = installed("plan", "--dry-run", "--json", "--as-of", "2027-01-07T23:29:00Z")

    assert {line["would"] for line in ran.lines if line["channel"] == "sms"} == {"not go: too late"}


@on_sqlite
def test_another_day_is_only_for_looking(installed):
    ran = installed("plan", "--as-of", "2027-01-07T23:29:00Z")

    assert (ran.code, "use it with --dry-run" in ran.err) == (2, True)


def test_planning_says_what_it_did(installed, filled, engine):
    with opener(engine)() as db:
        db.delete(db.get_one(Delivery, filled.delivery))

    assert installed("plan").out == "1 planned, 0 moved, 0 dropped\n"
    assert installed("plan").out == "0 planned, 0 moved, 0 dropped\n"
