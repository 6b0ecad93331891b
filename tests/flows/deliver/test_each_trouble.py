"""Each outcome of a call leads to its state, its next try, or the rest of its channel."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import AddressRefused, Ambiguous, ChannelDown, NotAccepted, Refused
from service.flows.deliver import deliver
from service.models import Delivery, Sender, Suppression
from service.rules.lifecycle import State
from tests import builders
from tests.flows.deliver.conftest import failing, read

AFTER_NOTHING = [
    (NotAccepted("Twilio 20429"), State.SCHEDULED),
    (ChannelDown("Twilio 20003"), State.SCHEDULED),
    (Refused("Twilio 21617"), State.DEAD),
    (AddressRefused("Twilio 21610"), State.SUPPRESSED),
    (Ambiguous("Twilio HTTP 500"), State.UNKNOWN),
]


def test_a_message_that_was_taken_over_is_accepted_under_the_providers_name(parts, post, clock, due):
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.provider_id, row.accepted_at) == (State.ACCEPTED, "CONSOLE00000001", clock())


@pytest.mark.parametrize(("error", "state"), AFTER_NOTHING, ids=[type(error).__name__ for error, _ in AFTER_NOTHING])
def test_each_trouble_leads_to_its_state(parts, post, texts, due, error, state):
    failing(texts, error)
    deliver(post, [due])

    row = read(parts, due)
    assert (row.state, row.reason, row.attempts) == (state, str(error), 1)


def test_the_providers_code_is_kept(parts, post, texts, due):
    failing(texts, Refused("Twilio 21617"))
    deliver(post, [due])

    assert read(parts, due).error_code == "21617"


def test_the_words_of_an_error_never_hold_a_number(parts, post, texts, due):
    failing(texts, AddressRefused("Twilio 21610"))
    deliver(post, [due])

    with parts.read_db() as db:
        told = [row.reason for row in db.scalars(select(Suppression))]
    assert told == ["provider: Twilio 21610"]


def test_what_was_certainly_not_taken_over_is_tried_again_soon(parts, post, texts, clock, due):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, [due])

    assert timedelta(seconds=1) < read(parts, due).next_at - clock() < timedelta(seconds=4)


def test_each_try_waits_longer_up_to_a_quarter_of_an_hour(parts, post, texts, clock, due):
    failing(texts, NotAccepted("NewConnectionError"))
    pauses = []
    for _ in range(14):
        clock.go_to(max(read(parts, due).next_at, clock() + timedelta(seconds=30)))  # its number rests meanwhile
        deliver(post, [due])
        pauses.append((read(parts, due).next_at - clock()).total_seconds())

    assert pauses[:9] == sorted(pauses[:9])
    assert max(pauses) <= 15 * 60 * 1.25


def test_it_waits_as_long_as_the_provider_asks(parts, post, texts, clock, due):
    failing(texts, NotAccepted("Twilio 20429", timedelta(seconds=90)))
    deliver(post, [due])

    assert read(parts, due).next_at == clock() + timedelta(seconds=90)


def test_it_is_tried_until_it_is_of_no_more_use(parts, post, texts, clock, due):
    failing(texts, NotAccepted("NewConnectionError"))
    deliver(post, [due])
    clock.go_to(read(parts, due).expires_at)
    deliver(post, [due])

    assert read(parts, due).state is State.EXPIRED


def test_a_refused_account_stops_the_whole_channel(parts, post, texts, clock, due):
    with parts.open_db() as db:
        other = builders.delivery(db, builders.member(db), builders.session(db, builders.group(db, "Other"))).id
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, [due])
    failing(texts, AssertionError("nothing may be sent"))
    deliver(post, [other])

    assert (read(parts, other).state, read(parts, other).attempts) == (State.SCHEDULED, 0)


def test_staff_can_read_why_the_channel_rests(parts, post, texts, clock, due):
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, [due])

    with parts.read_db() as db:
        row = db.scalars(select(Sender)).one()
    assert (row.pause_reason, row.paused_until) == ("Twilio 20003", clock() + timedelta(minutes=5))


def test_a_channel_that_works_again_rests_no_more(parts, post, texts, clock, due):
    failing(texts, ChannelDown("Twilio 20003"))
    deliver(post, [due])
    clock.go(minutes=5)
    texts.before_sending = lambda message: None
    deliver(post, [due])

    with parts.read_db() as db:
        row = db.scalars(select(Sender)).one()
    assert (read(parts, due).state, row.paused_until, row.pause_reason) == (State.ACCEPTED, None, None)


def test_a_refused_address_is_not_written_to_again(parts, post, texts, due):
    with parts.open_db() as db:
        who = db.get_one(Delivery, due).member
        other = builders.delivery(db, who, builders.session(db, builders.group(db, "Other"))).id
    failing(texts, AddressRefused("Twilio 21610"))
    deliver(post, [due])

    assert (read(parts, other).state, read(parts, other).reason) == (State.SUPPRESSED, "opted out")


def test_of_a_batch_each_has_its_own_outcome(parts, post, texts):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        ids = [builders.delivery(db, builders.member(db), meeting).id for _ in AFTER_NOTHING]
        numbers = {
            db.get_one(Delivery, one).member.mobile: error for one, (error, _) in zip(ids, AFTER_NOTHING, strict=True)
        }

    def fail(message):
        raise numbers[message.to]

    texts.before_sending = fail
    deliver(post, ids)

    assert [read(parts, one).state for one in ids] == [state for _, state in AFTER_NOTHING]
