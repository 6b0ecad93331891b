"""What the answers of many calls at once tell of their provider."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.channels import Ambiguous, HeldUp, NotAccepted, Receipt, Refused
from service.flows.deliver import mark, record
from service.models import Sender
from tests import builders

TROUBLE = Ambiguous("Twilio HTTP 500")
TAKEN = Receipt("SM1")
WAIT = NotAccepted("Twilio 20429", timedelta(seconds=1))


@pytest.fixture
def crowd(parts):
    """The ids of twelve due texts."""
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        return [builders.delivery(db, builders.member(db), meeting).id for _ in range(12)]


def begun(parts, post, ids):
    with parts.open_db() as db:
        return mark(db, ids, post)


def heard(parts, post, sendings, outcomes):
    said = [replace(one, provider_id=f"SM{place}") if one is TAKEN else one for place, one in enumerate(outcomes)]
    with parts.open_db() as db:
        record(db, list(zip(sendings, said, strict=True)), post)


def sender(parts, post):
    """Failures in a row, and why it rests."""
    with parts.read_db() as db:
        row = next(iter(db.query(Sender)), None)
        return (row.failures, row.pause_reason) if row else (0, None)


def test_to_be_asked_to_wait_is_no_failure_of_a_provider_that_took_others_at_the_same_time(parts, post, crowd, clock):
    heard(parts, post, begun(parts, post, crowd), [TAKEN] * 6 + [TROUBLE] * 5 + [WAIT])

    assert sender(parts, post) == (0, "the provider asks us to wait")
    with parts.read_db() as db:
        assert db.query(Sender).one().paused_until == clock() + timedelta(seconds=1)


def test_those_of_a_crowd_that_time_out_last_and_together_are_no_row_of_failures(parts, post, crowd):
    sendings = begun(parts, post, crowd)
    heard(parts, post, sendings[:6], [TAKEN] * 6)
    heard(parts, post, sendings[6:], [TROUBLE] * 6)

    assert sender(parts, post) == (0, None)


def test_failures_of_calls_that_were_begun_after_the_last_good_one_are_a_row(parts, post, crowd):
    heard(parts, post, begun(parts, post, crowd[:6]), [TAKEN] * 6)
    heard(parts, post, begun(parts, post, crowd[6:]), [TROUBLE] * 6)

    assert sender(parts, post) == (6, "the provider does not take messages over")


def test_they_count_also_where_they_are_heard_of_together_with_older_good_ones(parts, post, crowd):
    earlier, later = begun(parts, post, crowd[:6]), begun(parts, post, crowd[6:])
    heard(parts, post, earlier + later, [TAKEN] * 6 + [TROUBLE] * 6)

    assert sender(parts, post) == (6, "the provider does not take messages over")


def test_old_failures_that_are_heard_of_during_a_trial_do_not_prolong_it(parts, post, crowd, clock):
    earlier, later = begun(parts, post, crowd[:4]), begun(parts, post, crowd[4:5])
    heard(parts, post, later, [Refused("Twilio 21617")])
    heard(parts, post, begun(parts, post, crowd[5:]), [TROUBLE] * 7)
    with parts.read_db() as db:
        until = db.query(Sender).one().paused_until
    clock.go(seconds=10)
    heard(parts, post, earlier, [TROUBLE] * 4)

    with parts.read_db() as db:
        assert db.query(Sender).one().paused_until == until


def test_what_we_were_too_late_to_ask_tells_nothing_of_the_provider(parts, post, crowd):
    heard(parts, post, begun(parts, post, crowd), [HeldUp("held up for too long to call")] * 12)

    assert sender(parts, post) == (0, None)
