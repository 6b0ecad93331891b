"""After an opt-out has been committed no call to a provider begins: with a full queue and two workers."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service import gate
from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.flows import calling
from service.flows.answer import Inbound
from service.flows.calling import Calls
from service.flows.deliver import deliver, deliver_due, mark
from service.flows.ledger import withdraw
from service.flows.opting import From, opt_out
from service.flows.receive import receive
from service.flows.schedule import cancel_session, move_session
from service.models import Delivery, GroupSession, Member
from service.rules.consent import Channel, Purpose, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import EVIDENCE, NOW, THURSDAY
from tests.patience import think

MOBILE = "+12125550100"
FULL = 150


@pytest.fixture
def queue_full(parts):
    """A member's messages, all of them due now."""
    with parts.open_db() as db:
        builders.practice(db, per_day=10_000, per_week=10_000)
        who = builders.member(db, mobile=MOBILE)
        place = builders.group(db)
        about = [builders.session(db, place) for _ in range(FULL)]
        return [builders.delivery(db, who, one, Kind.REMINDER).id for one in about]


def workers(post, count):
    ends = time.monotonic() + 20
    made = [threading.Thread(target=deliver_due, args=(post, lambda: time.monotonic() > ends)) for _ in range(count)]
    for worker in made:
        worker.start()
    return made


def opt_out_in_the_middle(parts, begun):
    """The member's STOP, once some of their messages have gone. Returns the moment after it was committed."""
    while len(begun()) < 20:
        time.sleep(0.005)
    with parts.open_db() as db:
        receive(db, Inbound("SM1", MOBILE, "STOP"), NOW)
    return time.monotonic()


def test_no_call_begins_after_an_opt_out_has_been_committed(parts, post, texts, queue_full):
    begun = []

    def call(message):
        begun.append(time.monotonic())
        think(0.03)

    texts.before_sending = call
    both = workers(post, 2)
    committed_at = opt_out_in_the_middle(parts, lambda: begun)
    for worker in both:
        worker.join()

    assert len(begun) < FULL
    assert [at for at in begun if at > committed_at] == []
    with parts.read_db() as db:
        states = {(row.state, row.reason) for row in db.scalars(select(Delivery))}
    assert states == {(State.ACCEPTED, None), (State.SUPPRESSED, Refusal.OPTED_OUT)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_sandboxs_ledger_shows_none_either(parts, post, queue_full, sandbox):
    settings = replace(parts.settings.twilio, base=sandbox.url)
    real = TwilioSms(settings, Transport(post.patience), "http://127.0.0.1:8000/webhooks/twilio/status")
    both = workers(replace(post, channels={**post.channels, Channel.SMS: real}), 2)
    opt_out_in_the_middle(parts, lambda: sandbox.accepted)
    committed_at = time.time()
    for worker in both:
        worker.join()
    late = [row for row in sandbox.accepted if row["t_real"] > committed_at + 0.5]

    assert (len(sandbox.accepted) < FULL, late) == (True, [])


NOES = {
    "STOP": lambda db, who, meeting: opt_out(
        db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW, all_channels=False
    ),
    "no consent": lambda db, who, meeting: withdraw(db, who, Channel.SMS, [Purpose.REMINDER], EVIDENCE, NOW),
    "not safe": lambda db, who, meeting: setattr(who, "may_text", False),
    "new number": lambda db, who, meeting: who.set_mobile("+12125550177", []),
    "halted": lambda db, who, meeting: setattr(who, "stopped_at", NOW),
    "cancelled": lambda db, who, meeting: cancel_session(db, meeting, NOW),
    "moved": lambda db, who, meeting: move_session(db, meeting, THURSDAY + timedelta(days=1), NOW),
}


def said(parts, no):
    with parts.open_db() as db:
        NOES[no](db, db.scalars(select(Member)).one(), db.scalars(select(GroupSession)).first())


@pytest.mark.parametrize("no", NOES)
def test_whoever_says_no_waits_for_the_calls_that_are_just_beginning(parts, post, queue_full, no):
    with post.gate.passing():
        saying = threading.Thread(target=said, args=(parts, no))
        saying.start()
        saying.join(0.3)
        is_waiting = saying.is_alive()
    saying.join(5)

    assert (is_waiting, saying.is_alive()) == (True, False)


def test_whoever_says_nothing_of_the_kind_does_not_wait(parts, post, queue_full):
    with post.gate.passing(), parts.open_db() as db:
        db.get_one(Delivery, queue_full[0]).why = "by hand"
        builders.member(db)


def test_a_worker_that_is_frozen_in_the_gate_holds_nobody_up_for_long_and_then_calls_nobody(
    parts, post, texts, queue_full, monkeypatch
):
    monkeypatch.setattr(gate, "BEGINS_WITHIN", 0.1)
    monkeypatch.setattr(gate, "WAITS_FOR", 0.2)
    with parts.open_db() as db:
        marked = mark(db, queue_full[:1], post)
    with post.gate.passing() as by:
        said(parts, "STOP")
        calls = Calls(post)
        calls.start(marked, by)
        outcomes = [outcome for _, outcome in calls.answered(wait=1)]

    assert (texts.outbox, [str(one) for one in outcomes]) == ([], [calling.HELD_UP])


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_no_that_is_frozen_in_its_commit_holds_no_worker_up_for_ever(parts, post, texts, queue_full, monkeypatch):
    monkeypatch.setattr(gate, "BEGINS_WITHIN", 0.1)
    reads = parts.engine.execution_options(read_only=True)  # on SQLite: who writes would keep the worker from its mark
    with Session(reads) as db, db.begin(), post.gate.shut(db):
        deliver(post, queue_full[:1])

    with parts.read_db() as db:
        assert (texts.outbox, db.get_one(Delivery, queue_full[0]).reason) == ([], calling.HELD_UP)


def test_any_number_pass_at_once(post):
    with post.gate.passing(), post.gate.passing():
        pass


def test_a_call_that_does_not_begin_in_time_never_does(parts, post, texts, queue_full, monkeypatch):
    monkeypatch.setattr(gate, "BEGINS_WITHIN", 0.05)
    monkeypatch.setattr(calling, "reach", lambda name: time.sleep(0.3) if name == "before_call" else None)
    deliver(post, queue_full[:1])

    with parts.read_db() as db:
        row = db.get_one(Delivery, queue_full[0])
    assert (texts.outbox, row.state, row.reason) == ([], State.SCHEDULED, calling.HELD_UP)


@builders.on_postgresql
def test_who_marks_does_not_ask_the_server_to_plan_the_same_anew(parts, post, queue_full):
    parts.engine.dispose()  # with one connection: those of other tests would take turns
    for first in range(0, FULL, 10):
        with parts.open_db() as db:
            db.execute(text("SELECT 1"))  # a look at what is due
        deliver(post, queue_full[first : first + 10])

    with parts.open_db() as db:
        assert db.scalar(text("SELECT sum(generic_plans + custom_plans) FROM pg_prepared_statements")) > 100
