"""After an opt-out has been committed no call to a provider begins: with a full queue and two workers."""

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.failpoints import Failed
from service.flows import calling
from service.flows import deliver as delivering
from service.flows.answer import Inbound
from service.flows.deliver import deliver, deliver_due, mark
from service.flows.last_look import last_look
from service.flows.ledger import withdraw
from service.flows.opting import From, opt_out
from service.flows.receive import receive
from service.models import Delivery, Member
from service.rules.consent import Channel, Purpose, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import EVIDENCE, NOW

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
        time.sleep(0.03)

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


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("STOP", Refusal.OPTED_OUT),
        ("no consent", Refusal.NO_CONSENT),
        ("not safe", Refusal.NOT_SAFE),
        ("new number", Refusal.NO_CONSENT),
    ],
)
def test_what_was_marked_and_may_no_longer_go_is_not_called(parts, post, texts, queue_full, change, why):
    one = queue_full[:1]
    with parts.open_db() as db:
        marked = mark(db, one, post)
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        if change == "STOP":
            opt_out(db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW, all_channels=False)
        elif change == "no consent":
            withdraw(db, who, Channel.SMS, [Purpose.REMINDER], EVIDENCE, NOW)
        elif change == "not safe":
            who.may_text = False
        else:
            who.set_mobile("+12125550177", [])
    with parts.open_db() as db:
        going = last_look(db, marked, NOW)

    with parts.read_db() as db:
        row = db.get_one(Delivery, one[0])
    assert (going, row.state, row.reason) == ([], State.SUPPRESSED, why)


def test_what_nothing_speaks_against_goes(parts, post, queue_full):
    with parts.open_db() as db:
        marked = mark(db, queue_full[:3], post)
    with parts.open_db() as db:
        assert last_look(db, marked, NOW) == marked


def test_a_call_that_does_not_begin_in_time_never_does(parts, post, texts, queue_full, monkeypatch):
    monkeypatch.setattr(calling, "BEGINS_WITHIN", 0.05)
    monkeypatch.setattr(calling, "reach", lambda name: time.sleep(0.3) if name == "before_call" else None)
    deliver(post, queue_full[:1])

    with parts.read_db() as db:
        row = db.get_one(Delivery, queue_full[0])
    assert (texts.outbox, row.state, row.reason) == ([], State.SCHEDULED, calling.HELD_UP)


def test_a_database_that_is_away_at_the_last_look_leaves_the_messages_as_due_as_before(
    parts, post, texts, queue_full, monkeypatch
):
    def away(*_):
        raise OperationalError("SELECT", {}, Failed())

    monkeypatch.setattr(delivering, "last_look", away)
    deliver(post, queue_full[:2])

    with parts.read_db() as db:
        rows = [db.get_one(Delivery, one) for one in queue_full[:2]]
    assert texts.outbox == []
    assert [(row.state, row.reason) for row in rows] == [(State.SCHEDULED, "the database was away")] * 2
