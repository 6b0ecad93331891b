import subprocess
import sys

import pytest

from tests.chaos.checker import Case, judge
from tests.chaos.evidence import Evidence
from tests.chaos.planted import BUGS

DUE = 1_000_000.0
LATER = DUE + 3600
KEY = {"session": "s", "member_id": "m", "kind": "same_day", "revision": 0, "channel": "sms"}
GATHERING = {
    "what": "gathering",
    "session": "s",
    "kind": "same_day",
    "due": DUE,
    "starts_at": LATER,
    "deadline": LATER - 600,
    "members": [["m", "+12125550000", "sms"]],
}
OPTED_OUT = {"what": "optout", "member": "m", "session": "s", "from": DUE - 1, "at": DUE}
CANCELLED = {"what": "cancel", "session": "s", "from": DUE - 1, "at": DUE}
MOVED = {
    "what": "move",
    "session": "s",
    "from": DUE - 1,
    "at": DUE,
    "starts_at": LATER + 86_400,
    "due": DUE + 86_400,
    "deadline": LATER + 85_800,
}


def delivery(state="delivered", **values):
    return {**KEY, "id": "d", "due_at": DUE, "expires_at": LATER - 600, "state": state, "reason": None, **values}


def notice(kind, revision=0):
    return delivery(id="n", kind=kind, revision=revision)


def accepted(at=DUE + 1, **values):
    row = {"app_message_id": "d", "t_real": at, "to_norm": "+12125550000", "channel_body_sha256": "x", "fault": None}
    return {**row, "provider_id": "SM1", **values}


def event(now, at, was="scheduled"):
    return {"delivery_id": "d", "was": was, "now": now, "at": at, "by": "worker", "reason": None}


def found(*notes, deliveries=(), accepts=(), events=(), read_at=DUE + 1000):
    evidence = Evidence([GATHERING, *notes], list(accepts), [], list(deliveries), {"d": list(events)}, {})
    return {finding.what for finding in judge(Case(evidence, until=DUE + 100, read_at=read_at))}


def test_a_message_that_was_accepted_once_is_all_right():
    assert found(deliveries=[delivery()], accepts=[accepted()], events=[event("sending", DUE)]) == set()


def test_a_message_that_was_accepted_twice_is_duplicated():
    assert found(deliveries=[delivery()], accepts=[accepted(), accepted()]) == {"duplicated"}


def test_a_duplicate_by_a_late_acceptance_is_told_apart():
    late = accepted(fault="accept_late")

    assert found(deliveries=[delivery()], accepts=[accepted(), late]) == {"duplicated_by_late_accept"}


def test_the_same_words_in_two_deliveries_are_found():
    other = delivery(id="e", member_id="o")
    twice = [accepted(), accepted(app_message_id="e")]

    assert "same_words_twice" in found(deliveries=[delivery(), other], accepts=twice)


@pytest.mark.parametrize("state", ["scheduled", "dead", "cancelled", "suppressed", "expired"])
def test_a_message_that_was_not_accepted_without_a_reason_is_lost(state):
    assert found(deliveries=[delivery(state)]) == {"lost"}


def test_a_message_that_the_database_has_as_sent_and_nobody_accepted_is_silent():
    assert found(deliveries=[delivery("accepted")]) == {"silent"}


def test_a_message_that_was_never_planned_is_silent():
    assert found() == {"silent"}


def test_what_an_opt_out_stopped_is_not_lost():
    assert found(OPTED_OUT, deliveries=[delivery("suppressed")]) == set()


def test_what_a_cancellation_stopped_is_not_lost_and_its_notice_is_owed():
    assert found(CANCELLED, deliveries=[delivery("cancelled")]) == {"silent"}
    told = {"deliveries": [delivery("cancelled"), notice("cancelled")], "accepts": [accepted(app_message_id="n")]}

    assert found(CANCELLED, **told) == set()


def test_what_expired_after_its_deadline_is_counted_and_before_it_is_lost():
    expired = delivery("expired")

    assert found(deliveries=[expired], events=[event("expired", LATER - 600)]) == {"expired"}
    assert found(deliveries=[expired], events=[event("expired", LATER - 900)]) == {"lost"}


@pytest.mark.parametrize(("deadline", "findings"), [(DUE - 0.5, set()), (DUE + 600, {"silent"})])
def test_no_reminder_is_owed_of_a_move_that_was_committed_when_it_was_useless_already(deadline, findings):
    soon = {**MOVED, "due": DUE - 100, "deadline": deadline}
    told = accepted(app_message_id="n", channel_body_sha256="y")

    assert found(soon, deliveries=[delivery("cancelled"), notice("moved", 1)], accepts=[told]) == findings


@pytest.mark.parametrize(("note", "what"), [(OPTED_OUT, "optout"), (CANCELLED, "cancel"), (MOVED, "move")])
def test_a_call_that_began_after_the_commit_that_forbade_it_is_found(note, what):
    events = [event("sending", DUE + 0.1)]
    wrong = found(note, deliveries=[delivery()], accepts=[accepted(DUE + 0.2)], events=events)

    assert {f"begun_after_{what}", f"accepted_after_{what}"} <= wrong


def test_a_call_that_began_before_the_opt_out_may_end_after_it_for_a_moment():
    events = [event("sending", DUE - 0.1)]

    assert found(OPTED_OUT, deliveries=[delivery()], accepts=[accepted(DUE + 1)], events=events) == {
        "accepted_after_optout"
    }
    assert "crossed_too_late" in found(OPTED_OUT, deliveries=[delivery()], accepts=[accepted(DUE + 9)], events=events)


def test_what_begins_after_its_deadline_or_the_start_is_found():
    events = [event("sending", LATER + 1)]

    assert {"begun_after_deadline", "begun_after_start"} <= found(
        deliveries=[delivery()], accepts=[accepted(LATER + 2)], events=events
    )


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_is_still_open_in_the_end_is_found(state):
    assert {"unknown_left"} <= found(deliveries=[delivery(state)])


def test_a_mail_waits_for_its_event_and_no_longer():
    mail = delivery("unknown", channel="email")
    marked = [event("sending", DUE)]

    assert found(deliveries=[mail], events=marked, read_at=DUE + 30) == {"mails_awaited"}
    assert found(deliveries=[mail], events=marked, read_at=DUE + 300) == {"lost", "unknown_left"}


def test_a_report_that_takes_back_a_later_one_is_found():
    events = [event("delivered", DUE), event("sent", DUE + 1, was="delivered")]

    assert found(deliveries=[delivery()], accepts=[accepted()], events=events) == {"rank_fell"}


def test_what_nobody_asked_for_and_what_went_to_somebody_else_is_found():
    assert found(deliveries=[delivery()], accepts=[accepted(), accepted(app_message_id="z")]) >= {"unexpected"}
    assert found(deliveries=[delivery()], accepts=[accepted(to_norm="+12125559999")]) == {"to_somebody_else"}


def test_a_message_that_went_and_is_shown_as_not_sent_is_found():
    assert "sent_but_says_not" in found(deliveries=[delivery("expired")], accepts=[accepted()])


def test_every_planted_bug_still_has_its_place_in_the_service():
    plant = "from tests.chaos.planted import BUGS\nfor bug in BUGS.values():\n    bug()"
    planted = subprocess.run([sys.executable, "-c", plant], check=False, capture_output=True, text=True)

    assert (len(BUGS), planted.returncode, planted.stderr) == (11, 0, "")
