"""What a dead worker or an outage left behind loses nothing, doubles nothing and bursts out nowhere."""

from datetime import timedelta

import pytest

from service.flows.deliver import deliver, mark
from service.flows.reconcile import sweep
from service.rules.lifecycle import State
from tests.flows.reconcile.conftest import list_is_down, look_until, made, read


def test_a_mark_whose_worker_is_gone_becomes_a_question(parts, post, clock):
    one = made(parts)
    with parts.open_db() as db:
        mark(db, [one], post)
    clock.go(seconds=89)
    with parts.open_db() as db:
        sweep(db, clock)
    assert read(parts, one).state is State.SENDING

    clock.go(seconds=1)
    with parts.open_db() as db:
        sweep(db, clock)
    assert read(parts, one).state is State.UNKNOWN


def test_a_worker_killed_before_the_call_loses_nothing(parts, post, texts, clock):
    one = made(parts)
    with parts.open_db() as db:
        mark(db, [one], post)
    look_until(post, clock, 300)
    deliver(post, [one])

    assert (read(parts, one).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_a_worker_killed_after_the_call_sends_nothing_twice(parts, post, texts, clock):
    one = made(parts)
    with parts.open_db() as db:
        (sending,) = mark(db, [one], post)
    texts.send(sending.message)
    look_until(post, clock, 300)
    deliver(post, [one])

    assert (read(parts, one).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_what_is_of_no_more_use_is_put_away(parts, clock):
    one = made(parts, expires_at=clock() + timedelta(minutes=1))
    clock.go(minutes=1)
    with parts.open_db() as db:
        sweep(db, clock)

    row = read(parts, one)
    assert (row.state, row.reason, row.settled_at) == (State.EXPIRED, "too late", clock())


def test_after_an_outage_of_a_day_nothing_bursts_out(parts, post, texts, clock):
    one = made(parts, expires_at=clock() + timedelta(hours=2))
    clock.go(days=1)
    with parts.open_db() as db:
        sweep(db, clock)
    deliver(post, [one])

    assert texts.outbox == []


@pytest.mark.parametrize("state", [State.ACCEPTED, State.DELIVERED, State.SUPPRESSED, State.ASSUMED])
def test_what_is_closed_is_not_asked_about(parts, post, texts, clock, state):
    one = made(parts, state=state)
    list_is_down(texts)
    look_until(post, clock, 300)

    assert read(parts, one).state is state
