"""A call whose answer was lost is looked up: found, or proven absent and sent again, or left alone."""

from datetime import timedelta

import pytest

from service.channels import Ambiguous, Message
from service.flows.deliver import deliver, mark
from service.models import Delivery
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.flows.reconcile.conftest import list_is_down, look_until, made, read


def lost_answer(console, *, accepted):
    """The next message is taken over, or not, and nobody hears which."""

    def lose(message):
        console.before_sending = lambda message: None
        if accepted:
            console.outbox.append(message)
        raise Ambiguous("ReadTimeoutError")

    console.before_sending = lose


def test_what_was_taken_over_is_found_at_the_provider(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=True)
    deliver(post, [one])
    look_until(post, clock, 15)

    row = read(parts, one)
    assert (row.state, row.provider_id) == (State.ACCEPTED, "CONSOLE00000001")


def test_what_was_found_is_not_sent_again(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=True)
    deliver(post, [one])
    look_until(post, clock, 600)
    deliver(post, [one])

    assert len(texts.outbox) == 1


def test_what_is_absent_at_three_looks_over_three_minutes_is_scheduled_again(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=False)
    deliver(post, [one])
    look_until(post, clock, 165)
    assert read(parts, one).state is State.UNKNOWN

    look_until(post, clock, 15)
    assert read(parts, one).state is State.SCHEDULED


def test_what_is_scheduled_again_goes_out_once(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=False)
    deliver(post, [one])
    look_until(post, clock, 180)
    deliver(post, [one])

    assert (read(parts, one).state, len(texts.outbox)) == (State.ACCEPTED, 1)


def test_what_is_found_late_is_still_found(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=False)
    deliver(post, [one])
    look_until(post, clock, 120)
    row = read(parts, one)
    texts.outbox.append(Message(row.address, row.body, str(one)))  # it sat in a queue of theirs
    look_until(post, clock, 60)

    assert read(parts, one).state is State.ACCEPTED


def test_what_is_too_late_by_then_is_put_away(parts, post, texts, clock):
    one = made(parts, expires_at=clock() + timedelta(minutes=2))
    lost_answer(texts, accepted=False)
    deliver(post, [one])
    look_until(post, clock, 195)

    assert read(parts, one).state is State.EXPIRED


def test_a_name_that_another_message_holds_is_not_this_ones(parts, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        meeting = builders.session(db, place)
        who = builders.member(db)
        same = [builders.delivery(db, who, meeting).id for _ in range(2)]
    deliver(post, same[:1])
    lost_answer(texts, accepted=False)
    deliver(post, same[1:])
    look_until(post, clock, 60)

    assert read(parts, same[1]).state is State.UNKNOWN


def test_two_lost_answers_about_the_same_words_are_two_messages(parts, post, texts, clock):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        who = builders.member(db)
        same = [builders.delivery(db, who, meeting).id for _ in range(2)]
    for one in same:
        lost_answer(texts, accepted=True)
        deliver(post, [one])
    look_until(post, clock, 15)

    assert {read(parts, one).provider_id for one in same} == {"CONSOLE00000001", "CONSOLE00000002"}


def test_while_the_list_cannot_be_asked_nothing_is_sent_again(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=False)
    list_is_down(texts)
    deliver(post, [one])
    look_until(post, clock, 585)

    assert read(parts, one).state is State.UNKNOWN


def test_a_reminder_that_nobody_can_say_anything_about_is_left_alone(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=False)
    list_is_down(texts)
    deliver(post, [one])
    look_until(post, clock, 600)
    deliver(post, [one])

    assert (read(parts, one).state, texts.outbox) == (State.ASSUMED, [])


def test_the_news_that_a_session_is_cancelled_goes_once_more(parts, post, texts, clock):
    one = made(parts, Kind.CANCELLED)
    list_is_down(texts)
    lost_answer(texts, accepted=True)
    deliver(post, [one])
    look_until(post, clock, 600)
    assert read(parts, one).state is State.SCHEDULED

    lost_answer(texts, accepted=True)
    deliver(post, [one])
    look_until(post, clock, 900)
    deliver(post, [one])
    assert (read(parts, one).state, len(texts.outbox)) == (State.ASSUMED, 2)


@pytest.mark.parametrize(("useful_for", "state"), [(50, State.ASSUMED), (150, State.SCHEDULED)])
def test_news_goes_once_more_no_sooner_than_after_two_minutes(parts, post, texts, clock, useful_for, state):
    """A provider that did not answer may yet take over what it was asked to."""
    one = made(parts, Kind.CANCELLED, expires_at=clock() + timedelta(seconds=useful_for))
    lost_answer(texts, accepted=True)
    list_is_down(texts)
    deliver(post, [one])
    look_until(post, clock, 105 if useful_for > 60 else 45)
    assert (read(parts, one).state is State.SCHEDULED, len(texts.outbox)) == (False, 1)

    look_until(post, clock, 15)
    assert read(parts, one).state is state


def test_a_mail_whose_answer_was_lost_waits_ten_minutes_for_its_events(parts, post, mails, clock):
    one = made(parts, channel=Channel.EMAIL)
    lost_answer(mails, accepted=True)
    deliver(post, [one])
    look_until(post, clock, 585)
    assert read(parts, one).state is State.UNKNOWN

    look_until(post, clock, 15)
    assert read(parts, one).state is State.ASSUMED


def test_no_transaction_is_open_while_the_provider_is_asked(parts, post, texts, engine, clock):
    one = made(parts)
    lost_answer(texts, accepted=True)
    deliver(post, [one])
    open_ones = []
    texts.look_up = lambda *_: open_ones.append(engine.pool.checkedout()) or []
    look_until(post, clock, 15)

    assert open_ones == [0]


def test_a_message_that_was_marked_again_meanwhile_is_left_to_its_new_worker(parts, post, texts, clock):
    one = made(parts)
    lost_answer(texts, accepted=False)
    deliver(post, [one])

    def marked_again(*_):
        with parts.open_db() as db:
            row = db.get_one(Delivery, one)
            row.move(db, State.SCHEDULED, clock(), by="reconciler")
            db.flush()
            mark(db, [one], post)
        return ["SM9"]

    texts.look_up = marked_again
    look_until(post, clock, 15)

    assert (read(parts, one).state, read(parts, one).provider_id) == (State.SENDING, None)


@pytest.mark.parametrize("what", ["address", "body"])
def test_what_cannot_be_read_with_the_keys_at_hand_is_not_proven_absent(parts, post, texts, clock, what):
    one = made(parts)
    lost_answer(texts, accepted=True)
    deliver(post, [one])
    with parts.open_db() as db:
        row = db.get_one(Delivery, one)
        kept = getattr(row, f"{what}_sealed")
        setattr(row, f"{what}_sealed", kept.replace(b"k1", b"k9"))
    look_until(post, clock, 180)
    assert read(parts, one).state is State.UNKNOWN

    with parts.open_db() as db:
        setattr(db.get_one(Delivery, one), f"{what}_sealed", kept)
    look_until(post, clock, 60)
    assert (read(parts, one).state, len(texts.outbox)) == (State.ACCEPTED, 1)
