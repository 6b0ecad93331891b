from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.channels import Ambiguous
from service.flows.deliver import deliver
from service.flows.settle import Report, settle
from service.flows.suppress import is_suppressed
from service.models import Delivery, DeliveryEvent
from service.models.base import uuid7
from service.rules.consent import Channel
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

LATER = NOW + timedelta(minutes=1)
WHATEVER = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made(parts, channel=Channel.SMS, state=State.ACCEPTED, **values):
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org")
        about = builders.session(db, builders.group(db, str(uuid7())))
        given = {"attempts": 1, "address_index": who.address_index(channel), **values}
        row = builders.delivery(db, who, about, channel=channel, state=state, **given)
        return row.id


def reported(parts, one, *states, **named):
    with parts.open_db() as db:
        for state in states:
            settle(db, Report(one, state, **named), LATER)
    with parts.read_db() as db:
        return db.get_one(Delivery, one)


def test_reports_move_a_message_forward(parts):
    assert reported(parts, made(parts), State.SENT, State.DELIVERED).state is State.DELIVERED


@pytest.mark.parametrize("order", list(permutations([State.ACCEPTED, State.SENT, State.DELIVERED])))
def test_in_whatever_order_reports_come_a_text_that_arrived_has_arrived(parts, order):
    assert reported(parts, made(parts, state=State.SENDING), *order).state is State.DELIVERED


@WHATEVER
@given(
    reports=st.lists(st.sampled_from([State.ACCEPTED, State.SENT, State.UNDELIVERED]), min_size=1, max_size=7),
    data=st.data(),
)
def test_a_text_that_was_delivered_among_other_reports_ends_delivered(parts, reports, data):
    place = data.draw(st.integers(0, len(reports)))
    order = [*reports[:place], State.DELIVERED, *reports[place:]]

    assert reported(parts, made(parts, state=State.SENDING), *order).state is State.DELIVERED


@WHATEVER
@given(
    reports=st.lists(st.sampled_from([State.ACCEPTED, State.SENT, State.DELIVERED]), min_size=1, max_size=7),
    data=st.data(),
)
def test_a_mail_that_bounced_among_other_reports_ends_undelivered(parts, reports, data):
    place = data.draw(st.integers(0, len(reports)))
    order = [*reports[:place], State.UNDELIVERED, *reports[place:]]

    assert reported(parts, made(parts, Channel.EMAIL, State.SENDING), *order).state is State.UNDELIVERED


@WHATEVER
@given(reports=st.lists(st.sampled_from([State.ACCEPTED, State.SENT]), min_size=1, max_size=6))
def test_without_a_last_word_the_furthest_report_counts(parts, reports):
    furthest = State.SENT if State.SENT in reports else State.ACCEPTED

    assert reported(parts, made(parts, state=State.SENDING), *reports).state is furthest


def test_a_report_that_comes_twice_moves_nothing(parts):
    one = made(parts)
    with parts.open_db() as db:
        assert [settle(db, Report(one, State.SENT), LATER), settle(db, Report(one, State.SENT), LATER)] == [True, False]


def test_a_report_that_comes_twice_is_noted_once(parts):
    one = made(parts)
    reported(parts, one, State.SENT, State.SENT, State.DELIVERED, State.DELIVERED)

    with parts.read_db() as db:
        assert list(db.scalars(select(DeliveryEvent.now))) == ["sent", "delivered"]


def test_a_report_on_what_we_do_not_know_is_passed_over(parts):
    with parts.open_db() as db:
        assert settle(db, Report(uuid7(), State.SENT), LATER) is False


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.ASSUMED])
def test_a_report_answers_an_open_question(parts, state):
    row = reported(parts, made(parts, state=state), State.SENT, provider_id="SM1")

    assert (row.state, row.provider_id, row.accepted_at) == (State.SENT, "SM1", LATER)


def test_a_report_on_what_was_about_to_be_sent_again_stops_that(parts, post, texts):
    one = made(parts, state=State.SCHEDULED)  # three look-ups had not found it
    reported(parts, one, State.SENT, provider_id="SM1")
    deliver(post, [one])

    assert texts.outbox == []


def test_a_report_on_what_was_never_tried_is_passed_over(parts):
    assert reported(parts, made(parts, state=State.SCHEDULED, attempts=0), State.SENT).state is State.SCHEDULED


def test_a_report_says_when_it_was_settled(parts):
    assert reported(parts, made(parts), State.DELIVERED).settled_at == LATER


def test_a_text_that_did_not_arrive_says_why(parts):
    row = reported(parts, made(parts), State.UNDELIVERED, code="30003")

    assert (row.state, row.error_code, row.reason) == (State.UNDELIVERED, "30003", "code 30003")


def test_a_text_that_arrived_after_all_says_so_without_the_old_code(parts):
    one = made(parts)
    reported(parts, one, State.UNDELIVERED, code="30003")
    row = reported(parts, one, State.DELIVERED)

    assert (row.state, row.error_code, row.reason) == (State.DELIVERED, None, None)


def test_a_report_of_another_message_under_the_same_id_changes_nothing(parts):
    row = reported(parts, made(parts, provider_id="SM1"), State.DELIVERED, provider_id="SM2")

    assert (row.state, row.provider_id) == (State.ACCEPTED, "SM1")


def test_a_second_message_at_the_provider_is_an_alarm(parts, caplog):
    reported(parts, made(parts, provider_id="SM1"), State.DELIVERED, provider_id="SM2")

    assert "a second message of it exists" in caplog.text


def test_an_address_that_opted_out_at_the_provider_is_suppressed(parts):
    row = reported(parts, made(parts), State.UNDELIVERED, code="21610", opted_out=True)

    with parts.read_db() as db:
        assert is_suppressed(db, Channel.SMS, row.address_index)


def test_an_opt_out_counts_also_where_the_report_comes_late(parts):
    row = reported(parts, made(parts, state=State.DELIVERED), State.UNDELIVERED, code="30640", opted_out=True)

    with parts.read_db() as db:
        assert (row.state, is_suppressed(db, Channel.SMS, row.address_index)) == (State.DELIVERED, True)


def test_a_report_during_the_call_makes_the_lost_answer_harmless(parts, post, texts, clock):
    with parts.open_db() as db:
        meeting = builders.session(db, builders.group(db))
        one = builders.delivery(db, builders.member(db), meeting).id

    def accept_and_lose_the_answer(message):
        raise Ambiguous("ReadTimeoutError")

    texts.before_sending = accept_and_lose_the_answer
    deliver(post, [one])

    assert reported(parts, one, State.DELIVERED, provider_id="SM1").state is State.DELIVERED


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.SUPPRESSED, State.DEAD])
def test_a_report_on_what_was_given_up_untried_changes_nothing(parts, state):
    assert reported(parts, made(parts, state=state, attempts=0), State.SENT).state is state


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.SUPPRESSED])
def test_what_went_after_all_is_not_called_unsent(parts, state):
    assert reported(parts, made(parts, state=state), State.DELIVERED).state is State.DELIVERED
