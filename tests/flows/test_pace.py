from dataclasses import replace
from datetime import timedelta

import pytest

from service.channels import Ambiguous, ChannelDown, NotAccepted, Refused
from service.flows.deliver import deliver, deliver_due
from service.flows.pace import pause
from service.flows.taking import next_due, take_due
from service.models import Sender
from service.rules.consent import Channel
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

NUMBER = "+15005550006"
A_MOMENT = timedelta(seconds=1)


def never():
    return False


def with_rate(post, rate):
    return replace(post, sender_rate=rate)


def some_due(parts, count=5, **values):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        return [builders.delivery(db, builders.member(db), meeting, **values).id for _ in range(count)]


def states(parts):
    with parts.read_db() as db:
        return [row.state for row in builders.all_deliveries(db)]


def sender(parts):
    with parts.read_db() as db:
        return db.get(Sender, NUMBER)


def failing(console, error):
    def fail(message):
        raise error

    console.before_sending = fail


def paused(parts, until=NOW + timedelta(minutes=5)):
    with parts.open_db() as db:
        pause(db, NUMBER, until, "Twilio 20003", NOW)


def test_a_number_sends_no_faster_than_its_carrier_allows(parts, post, texts):
    deliver(with_rate(post, 1), some_due(parts))

    assert len(texts.outbox) == 1


def test_a_fast_number_sends_a_second_ahead(parts, post, texts):
    deliver(with_rate(post, 3), some_due(parts))

    assert len(texts.outbox) == 3


def test_one_after_another_all_go_out_in_as_many_seconds_as_they_have_segments(parts, post, texts, clock):
    some_due(parts)
    for _ in range(5):
        with parts.open_db() as db:
            ids = take_due(db, with_rate(post, 1))
        deliver(with_rate(post, 1), ids)
        clock.go(seconds=1)

    assert len(texts.outbox) == 5


def test_what_does_not_get_its_turn_is_as_due_as_before_and_was_not_tried(parts, post):
    deliver(with_rate(post, 1), some_due(parts))

    with parts.read_db() as db:
        waiting = [row for row in builders.all_deliveries(db) if row.state is State.SCHEDULED]
    assert {(row.next_at, row.queued_until, row.attempts) for row in waiting} == {(NOW, None, 0)}


def test_no_more_are_taken_than_the_number_may_send(parts, post):
    some_due(parts)
    with parts.open_db() as db:
        assert len(take_due(db, with_rate(post, 2))) == 2


def test_what_becomes_due_later_and_is_useless_sooner_overtakes_a_backlog(parts, post, texts, clock):
    slow = with_rate(post, 1)
    some_due(parts, 3)
    deliver_due(slow, lambda: bool(texts.outbox))
    with parts.open_db() as db:
        group = builders.group(db, "Other")
        urgent = builders.delivery(
            db, builders.member(db), builders.session(db, group), expires_at=NOW + timedelta(minutes=20)
        )
    clock.go(seconds=1)
    with parts.open_db() as db:
        assert take_due(db, slow) == [urgent.id]


def test_without_a_rate_all_go_at_once(parts, post, texts):
    deliver(post, some_due(parts))

    assert len(texts.outbox) == 5


def test_a_paused_number_sends_nothing_until_then(parts, post, texts, clock):
    ids = some_due(parts)
    paused(parts)
    deliver(post, ids)
    assert texts.outbox == []

    clock.go(minutes=5)
    deliver(post, ids)
    assert len(texts.outbox) == 5


def test_of_a_paused_number_nothing_is_due_and_mails_go_on(parts, post):
    some_due(parts, 1)
    paused(parts)
    with parts.open_db() as db:
        assert next_due(db, post, A_MOMENT) is None

        who = builders.member(db, email="anna@example.org")
        builders.delivery(db, who, channel=Channel.EMAIL)
        assert next_due(db, post, A_MOMENT) is not None


def test_two_workers_keep_to_one_pace(parts, post, texts):
    ids = some_due(parts)
    deliver(with_rate(post, 1), ids[:2])
    deliver(with_rate(post, 1), ids[2:])

    assert (sender(parts).free_at, len(texts.outbox)) == (NOW + timedelta(seconds=1), 1)


@pytest.mark.parametrize("error", [Ambiguous("Twilio HTTP 500"), NotAccepted("NewConnectionError")])
def test_a_provider_that_fails_five_times_in_a_row_rests_half_a_minute(parts, post, texts, clock, error):
    ids = some_due(parts)
    failing(texts, error)
    deliver(post, ids)

    assert (sender(parts).failures, sender(parts).paused_until) == (5, clock() + timedelta(seconds=30))


def test_four_failures_are_no_rest(parts, post, texts):
    failing(texts, Ambiguous("Twilio HTTP 500"))
    deliver(post, some_due(parts, 4))

    assert sender(parts).paused_until is None


def test_after_the_rest_one_message_tries_the_provider_and_the_others_wait(parts, post, texts, clock):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, some_due(parts))
    clock.go(seconds=30)
    tried = []
    texts.before_sending = tried.append
    with parts.open_db() as db:
        ids = take_due(db, post)
    deliver(post, ids)

    assert (len(ids), len(tried)) == (1, 1)


def test_one_that_goes_through_ends_the_trial(parts, post, texts, clock):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, some_due(parts))
    clock.go(seconds=30)
    texts.before_sending = lambda message: None
    deliver_due(post, lambda: bool(texts.outbox))
    row = sender(parts)
    deliver_due(post, never)

    assert (row.failures, row.paused_until, row.pause_reason) == (0, None, None)
    assert set(states(parts)) == {State.ACCEPTED}


def test_one_that_fails_again_prolongs_the_rest(parts, post, texts, clock):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, some_due(parts))
    clock.go(seconds=30)
    deliver_due(post, never)

    assert sender(parts).paused_until == clock() + timedelta(seconds=30)


def test_a_message_that_is_refused_shows_that_the_provider_works(parts, post, texts):
    failing(texts, Ambiguous("Twilio HTTP 500"))
    deliver(post, some_due(parts, 4))
    failing(texts, Refused("Twilio 21617"))
    deliver(post, some_due_elsewhere(parts))

    assert sender(parts).failures == 0


def some_due_elsewhere(parts):
    with parts.open_db() as db:
        return [builders.delivery(db, builders.member(db), builders.session(db, builders.group(db, "Other"))).id]


def test_a_provider_that_asks_to_wait_is_given_the_time_by_the_whole_number(parts, post, texts, clock):
    failing(texts, NotAccepted("Twilio 20429", timedelta(seconds=40)))
    deliver(post, some_due(parts, 1))

    assert (sender(parts).paused_until, sender(parts).failures) == (clock() + timedelta(seconds=40), 0)


def test_a_longer_rest_is_not_cut_short_by_a_shorter_one(parts, post, texts, clock):
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, some_due(parts, 1))
    with parts.open_db() as db:
        pause(db, NUMBER, clock() + timedelta(seconds=1), "the provider asks us to wait", clock())

    assert sender(parts).pause_reason == "Twilio 20003"


# taking


def test_what_is_due_is_taken_soonest_deadline_first(parts, post):
    with parts.open_db() as db:
        who, meeting = builders.member(db), builders.session(db, builders.group(db))
        late = builders.delivery(db, who, meeting, expires_at=NOW + timedelta(hours=5))
        soon = builders.delivery(db, who, meeting, expires_at=NOW + timedelta(hours=1))
    with parts.open_db() as db:
        assert take_due(db, post) == [soon.id, late.id]


def test_what_was_taken_is_nobody_elses_for_a_minute(parts, post, clock):
    some_due(parts)
    with parts.open_db() as db:
        assert len(take_due(db, post)) == 5
    with parts.open_db() as db:
        assert take_due(db, post) == []
    clock.go(seconds=61)
    with parts.open_db() as db:
        assert len(take_due(db, post)) == 5


def test_what_is_not_due_is_not_taken(parts, post):
    with parts.open_db() as db:
        builders.scene(db)
    with parts.open_db() as db:
        assert take_due(db, post) == []


def test_what_is_due_goes_out_until_nothing_is_left(parts, post, texts):
    some_due(parts, 60)
    outcomes = deliver_due(post, never)

    assert (outcomes, len(texts.outbox)) == ({State.ACCEPTED: 60}, 60)


def test_a_worker_that_is_asked_to_end_gives_back_what_it_has_not_begun(parts, post, texts):
    some_due(parts, 60)
    deliver_due(post, lambda: len(texts.outbox) >= 1)

    assert 1 <= len(texts.outbox) < 60
    with parts.open_db() as db:
        assert len(take_due(db, post)) == 60 - len(texts.outbox)
