"""Every place at which a worker can die, with everything that can become of its call: processes that are really killed,
against the sandbox, on both databases. Then another worker comes."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from itertools import product
from logging import getLogger
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from werkzeug.serving import make_server

from jobs import upkeep
from sandbox.config import NUMBER
from service.app import create_app
from service.failpoints import PLACES
from service.flows.deliver import deliver_due
from service.flows.reconcile import recall, reconcile
from service.models import Delivery, Sender
from service.rules.lifecycle import REPORTED, State
from tests import builders
from tests.chaos import planted
from tests.faults.victims import impatient, post

ROOT = Path(__file__).parents[2]
HELD = {"hold_s": 1.0}
OUTCOMES = {
    "accepted": [],
    "refused for good": [{"fault": "refuse", "args": {"code": 21617}}],
    "told to wait": [{"fault": "http_429_json", "args": {"retry_after": 5}, "times": 1}],
    "not now": [{"fault": "http_5xx", "args": {"status": 503, "accepted": False}, "times": 1}],
    "500, taken": [{"fault": "http_5xx", "args": {"status": 500, "accepted": True}, "times": 1}],
    "500, not taken": [{"fault": "http_5xx", "args": {"status": 500, "accepted": False}, "times": 1}],
    "time-out, taken": [{"fault": "timeout_after_accept", "args": HELD, "times": 1}],
    "time-out, not taken": [{"fault": "timeout_before_accept", "args": HELD, "times": 1}],
    "reset, taken": [{"fault": "reset_after_accept", "times": 1}],
    "an early callback": [{"fault": "cb_before_response", "times": 1}],
    "a late callback": [{"fault": "cb_delay", "args": {"delay_s": 7200}}],
}
WITH_CALLBACKS = {"an early callback", "a late callback"}
ANSWERED = {"accepted", "an early callback", "a late callback"}
"""Only an answer that says yes comes to the place of that name."""
CASES = list(product(PLACES, OUTCOMES))
OPEN = (State.SCHEDULED, State.SENDING, State.UNKNOWN)


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environ(environ, port, sandbox):
    """The providers' calls come back to a door of our own."""
    return {
        **environ,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "SANDBOX_PORT": sandbox.url.rpartition(":")[2],
    }


@pytest.fixture
def door(parts, port):
    getLogger("werkzeug").setLevel("ERROR")
    server = make_server("127.0.0.1", port, create_app(parts), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def victims(parts, environ):
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.victims"],
        env={**kept, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"  # until then it would send what is due by itself

    def kill_at(place):
        process.stdin.write(f"{place}:1:kill\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield kill_at
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def plan_faults(sandbox, cases):
    """What goes wrong with each number. Where callbacks are not what it is about, none comes: looks must do."""
    plans = []
    for number, (_, outcome) in cases.items():
        plans += [{"match": {"to": number}, **plan} for plan in OUTCOMES[outcome]]
        if outcome not in WITH_CALLBACKS:
            plans.append({"fault": "cb_drop", "match": {"to": number}})
    sandbox.tell("faults", plans)


def someone(parts, meeting, case):
    """A member, and a message to them that is due now. What the case before did to the sender is forgotten."""
    with parts.open_db() as db:
        db.execute(delete(Sender))
        who = builders.member(db, f"Member {case}", mobile=number_of(case))
        return builders.delivery(db, who, meeting).id


def number_of(case):
    return f"+1212555{1000 + case:04d}"


def another_worker_comes(parts, sandbox):
    """With the clock's chores, until nothing is open."""
    parts = impatient(parts)
    clean = post(parts)
    for _ in range(60):
        with parts.open_db() as db:
            upkeep.sweep(db, parts.clock)
        recall(clean)
        reconcile(clean)
        deliver_due(clean, lambda: False)
        with parts.read_db() as db:
            if not db.scalars(select(Delivery.id).where(Delivery.state.in_(OPEN))).first():
                return
        sandbox.set_clock(parts.clock.go(seconds=20))
    pytest.fail("something stays open")


@pytest.fixture
def run(parts, sandbox, door, victims, clock):
    """Each case: a worker that dies there. In the end another worker comes. Returns which cases ended wrongly, and how
    many messages went."""

    def run_them(cases):
        sandbox.tell("config", {"numbers": {NUMBER: "unlimited"}})
        sandbox.set_clock(clock())
        plan_faults(sandbox, {number_of(case): what for case, what in enumerate(cases)})
        with parts.open_db() as db:
            meeting = builders.session(db, builders.group(db))
        ids = {}
        for case, (place, outcome) in enumerate(cases):
            ids[str(someone(parts, meeting, case))] = place, outcome
            assert (place, outcome, victims(place)) == (place, outcome, how_it_ends(place, outcome))
        another_worker_comes(parts, sandbox)
        sandbox.set_clock(clock.go(hours=3))
        sandbox.ask("quiesce?timeout=20")
        copies = Counter(row["app_message_id"] for row in sandbox.accepted)
        with parts.read_db() as db:
            rows = {str(row.id): row for row in db.scalars(select(Delivery))}
        wrong = {
            what: (copies[one], rows[one].state.value, rows[one].reason)
            for one, what in ids.items()
            if not is_right(what[1], copies[one], rows[one])
        }
        return wrong, copies.total()

    return run_them


def how_it_ends(place, outcome):
    """A worker whose call is refused or gets no answer does not come to the place that is named for it."""
    return 0 if place == "answered" and outcome not in ANSWERED else signal.SIGKILL


def is_right(outcome, copies, row):
    if outcome == "refused for good":
        return copies == 0 and row.state is State.DEAD and bool(row.reason)
    return copies == 1 and (row.state is State.DELIVERED if outcome == "a late callback" else row.state in REPORTED)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_wherever_a_worker_dies_and_whatever_became_of_its_call_one_message_goes(run):
    wrong, sent = run(CASES)

    print(f"{len(CASES)} cases, {sent} messages")
    assert wrong == {}
    assert sent == len(CASES) - len(PLACES)  # each place has one that is refused


@builders.on_sqlite
def test_a_sweep_that_sends_again_is_found(run, monkeypatch):
    monkeypatch.setattr(planted, "_put", monkeypatch.setattr)
    planted.BUGS["sweep_resends"]()
    wrong, _ = run([("marked", "accepted"), ("before_record", "time-out, taken"), ("recorded", "accepted")])

    assert wrong == {("before_record", "time-out, taken"): (2, "accepted", None)}
