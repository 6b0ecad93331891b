"""However workers, reports and crashes meet, one sends, and what is not known stays a question."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels import Ambiguous, Receipt, Refused
from service.flows import taking
from service.flows.deliver import deliver, deliver_due, mark, record
from service.flows.settle import Report, settle
from service.flows.suppress import suppress
from service.models import Delivery, GroupSession
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.rules.retries import LEASE
from tests import builders
from tests.builders import NOW
from tests.flows.deliver.conftest import failing, read
from tests.patience import think


def marked(parts, post, one):
    with parts.open_db() as db:
        (sending,) = mark(db, [one], post)
    return sending


def test_no_transaction_is_open_while_the_provider_thinks(parts, post, texts, engine, due):
    open_ones = []

    def look(message):
        think(0.1)  # the gate is left as soon as the calls have begun
        open_ones.append(engine.pool.checkedout())

    texts.before_sending = look
    deliver(post, [due])

    assert open_ones == [0]


def test_the_mark_is_committed_before_the_call(parts, post, texts, due):
    seen = []
    texts.before_sending = lambda message: seen.append(read(parts, due).state)
    deliver(post, [due])

    assert seen == [State.SENDING]


def test_a_crash_after_the_mark_leaves_a_question(parts, post, texts, clock, due):
    failing(texts, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.lease_until) == (State.SENDING, clock() + timedelta(seconds=LEASE))


def test_what_was_marked_is_not_sent_again(parts, post, texts, due):
    marked(parts, post, due)
    deliver(post, [due])

    assert texts.outbox == []


def test_a_batch_that_is_run_twice_is_sent_once(parts, post, texts, due):
    deliver(post, [due, due])
    deliver(post, [due])

    assert len(texts.outbox) == 1


def test_of_two_workers_with_the_same_batch_one_sends_each(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in range(12)]
    errors = []

    def work(order):
        try:
            deliver(post, order)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(order,)) for order in (ids, ids[::-1], ids[6:] + ids[:6])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (errors, sorted(message.to for message in texts.outbox)) == ([], sorted({m.to for m in texts.outbox}))
    assert len(texts.outbox) == 12


def test_a_report_that_comes_before_our_record_wins(parts, post, texts, clock, due):
    def report(message):
        with parts.open_db() as db:
            settle(db, Report(due, State.DELIVERED, provider_id="SM1"), clock())

    texts.before_sending = report
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.provider_id) == (State.DELIVERED, "SM1")


def test_the_record_fills_in_a_name_that_the_report_did_not_bring(parts, post, texts, clock, due):
    def report(message):
        with parts.open_db() as db:
            settle(db, Report(due, State.SENT), clock())

    texts.before_sending = report
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.provider_id) == (State.SENT, "CONSOLE00000001")


def test_a_report_beats_a_record_of_trouble(parts, post, texts, clock, due):
    def report_and_fail(message):
        with parts.open_db() as db:
            settle(db, Report(due, State.SENT, provider_id="SM1"), clock())
        raise Ambiguous("ReadTimeoutError")

    texts.before_sending = report_and_fail
    deliver(post, [due])

    assert read(parts, due).state is State.SENT


def test_a_worker_whose_mark_is_old_no_longer_speaks_for_the_delivery(parts, post, clock, due):
    late = marked(parts, post, due)
    with parts.open_db() as db:
        row = db.get_one(Delivery, due)
        row.move(db, State.UNKNOWN, clock(), by="sweeper")
        row.move(db, State.SCHEDULED, clock(), by="reconciler")
    marked(parts, post, due)
    with parts.open_db() as db:
        record(db, [(late, Refused("Twilio 21617"))], post)

    assert read(parts, due).state is State.SENDING


def test_a_worker_that_speaks_after_the_sweep_is_heard(parts, post, clock, due):
    late = marked(parts, post, due)
    with parts.open_db() as db:
        db.get_one(Delivery, due).move(db, State.UNKNOWN, clock(), by="sweeper")
    with parts.open_db() as db:
        record(db, [(late, Receipt("SM1"))], post)

    row = read(parts, due)
    assert (row.state, row.provider_id) == (State.ACCEPTED, "SM1")


def test_opting_out_at_the_moment_of_the_mark_is_in_time_or_too_late_and_never_half(parts, post, texts, due):
    with parts.read_db() as db:
        index = db.get_one(Delivery, due).member.mobile_index
    barrier = threading.Barrier(2)

    def opt_out():
        barrier.wait(5)
        with parts.open_db() as db:
            suppress(db, Channel.SMS, index, "wrote STOP", NOW)

    thread = threading.Thread(target=opt_out)
    thread.start()
    barrier.wait(5)
    deliver(post, [due])
    thread.join()

    row = read(parts, due)
    assert (row.state, len(texts.outbox)) in {(State.SUPPRESSED, 0), (State.ACCEPTED, 1)}


def test_the_provider_is_called_side_by_side(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in range(4)]
    begun, seen = [], []

    def call(message):
        begun.append(message.to)
        think(0.1)
        seen.append(len(begun))

    texts.before_sending = call
    deliver(post, ids)

    assert (seen, len(texts.outbox)) == ([4, 4, 4, 4], 4)


def test_a_call_that_ends_the_process_leaves_the_others_to_be_recorded(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in range(3)]
    begun = []

    def call(message):
        begun.append(message)
        think(0.1 * len(begun))
        if message is begun[1]:
            raise SystemExit

    texts.before_sending = call
    with pytest.raises(SystemExit):
        deliver(post, ids)

    assert sorted(read(parts, one).state for one in ids) == [State.ACCEPTED, State.ACCEPTED, State.SENDING]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_another_worker_looks_at_for_a_moment_is_sent_all_the_same(parts, post, texts, engine, due, monkeypatch):
    looks = Session(engine)

    def look(place):
        if place == "leased" and not texts.outbox:
            looks.execute(select(Delivery.id).where(Delivery.id == due).with_for_update())

    monkeypatch.setattr(taking, "reach", look)
    with parts.open_db() as db:
        meeting = db.scalars(select(GroupSession)).one()
        builders.delivery(db, builders.member(db), meeting)
    texts.before_sending = lambda message: looks.close()
    deliver_due(post, lambda: False)

    assert len(texts.outbox) == 2
