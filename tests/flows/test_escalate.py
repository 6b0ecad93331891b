"""A clock that tests move walks the whole chain, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import AddressRefused, Ambiguous, NotAccepted
from service.flows.alert import Done, acknowledge, close, pass_on
from service.flows.answer import Inbound
from service.flows.escalate import escalate, is_anything_due
from service.flows.on_call import Duty, answer_test, is_anybody_on_duty, put_on_call, reached, send_test, take_off_call
from service.flows.receive import receive
from service.flows.settle import Report, settle
from service.models import Contact, Flag, Page, Staff
from service.models.alerts import Outcome, PageState
from service.models.practice import Role
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

ANNA, NUMBER = "Anna Bell", "+12125550100"
NAMES = ("ada", "ben", "cleo", "dora", "eve")


@pytest.fixture
def on_call(parts):
    """Five on call, and an administrator who is not. Returns the ids by name."""
    with parts.open_db() as db:
        ids = {"boss": builders.staff(db, "boss@oak.example.org", Role.ADMIN).id}
        for number, name in enumerate(NAMES):
            one = builders.staff(db, f"{name}@oak.example.org")
            ids[name] = one.id
            put_on_call(db, one, Duty(f"+1212555020{number}"), one.id, NOW)
        return ids


@pytest.fixture
def flagged(parts):
    with parts.open_db() as db:
        builders.member(db, ANNA, mobile=NUMBER)
        receive(db, Inbound("SM1", NUMBER, "I want to die"), NOW)
        return db.scalars(Flag.open()).one().id


def called(post, texts, mails, **later):
    """Who was called now, by text and by mail."""
    post.clock.go(**later)
    before = len(texts.outbox), len(mails.outbox)
    escalate(post)
    by_text = [NAMES[int(message.to[-1])] for message in texts.outbox[before[0] :]]
    by_mail = [message.to.partition("@")[0] for message in mails.outbox[before[1] :]]
    return sorted(by_text), sorted(by_mail)


def both(*names):
    return sorted(names), sorted(names)


def test_the_chain_from_the_first_two_to_everybody_again_and_again(parts, post, texts, mails, on_call, flagged):
    everybody = sorted(NAMES), sorted((*NAMES, "boss"))

    assert called(post, texts, mails) == both("ada", "ben")
    assert called(post, texts, mails, minutes=9) == both()
    assert called(post, texts, mails, minutes=1) == both("cleo")
    assert called(post, texts, mails, minutes=10) == both("dora")
    assert called(post, texts, mails, minutes=10) == everybody
    for _ in range(3):
        assert called(post, texts, mails, minutes=14) == both()
        assert called(post, texts, mails, minutes=1) == everybody


def test_nobody_more_is_called_once_somebody_has_taken_it_up(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    with parts.open_db() as db:
        acknowledge(db, db.get_one(Flag, flagged), on_call["ben"], post.clock())

    assert called(post, texts, mails, minutes=59) == both()


def test_everybody_is_called_where_nothing_is_on_record_an_hour_later(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    with parts.open_db() as db:
        acknowledge(db, db.get_one(Flag, flagged), on_call["ben"], post.clock())

    assert called(post, texts, mails, minutes=60)[0] == sorted(NAMES)
    assert called(post, texts, mails, minutes=60)[0] == sorted(NAMES)


def test_nobody_is_called_once_it_is_closed(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    with parts.open_db() as db:
        done = Done(Outcome.SAFE, "She is with her sister.", timedelta())
        close(db, db.get_one(Flag, flagged), on_call["ada"], done, post.clock())

    assert called(post, texts, mails, hours=9) == both()


def test_a_page_that_was_taken_up_before_it_left_does_not_leave(parts, post, texts, mails, on_call, flagged):
    texts.before_sending = mails.before_sending = raiser(NotAccepted("HTTP 503"))
    called(post, texts, mails)
    texts.before_sending = mails.before_sending = lambda message: None
    with parts.open_db() as db:
        acknowledge(db, db.get_one(Flag, flagged), on_call["boss"], post.clock())

    assert called(post, texts, mails, minutes=2) == both()


def test_at_night_past_every_cap_and_to_whoever_said_stop_elsewhere_a_page_goes(parts, post, texts, mails, on_call):
    post.clock.go(hours=17)
    with parts.open_db() as db:
        receive(db, Inbound("SM1", "+12125550999", "I want to die"), post.clock())

    assert called(post, texts, mails) == both("ada", "ben")


def test_no_page_says_who_or_what(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    said = " ".join(f"{message.subject} {message.text}" for message in (*texts.outbox, *mails.outbox)).lower()

    assert not any(word in said for word in ("anna", "bell", "die", "0100", "crisis", "self", "flag", "member"))
    assert said.count("https://groups.example.org/p/") == 4


def test_two_who_walk_the_chain_at_once_call_nobody_twice(parts, post, texts, mails, on_call, flagged):
    escalate(post)
    escalate(post)

    assert len(texts.outbox) == 2


def raiser(error):
    def fail(message):
        raise error

    return fail


def test_a_page_that_may_be_lost_is_sent_again(parts, post, texts, mails, on_call, flagged):
    texts.before_sending = raiser(Ambiguous("ReadTimeoutError"))
    lost = called(post, texts, mails)
    texts.before_sending = lambda message: None

    assert lost == ([], ["ada", "ben"])
    assert called(post, texts, mails, seconds=15) == (["ada", "ben"], [])


def test_where_no_page_gets_through_the_next_ones_are_called_at_once(parts, post, texts, mails, on_call, flagged):
    texts.before_sending = mails.before_sending = raiser(AddressRefused("Twilio 21610"))
    called(post, texts, mails)
    texts.before_sending = mails.before_sending = lambda message: None

    assert called(post, texts, mails, seconds=1) == both("cleo")


def test_a_page_that_is_reported_as_not_delivered_counts_as_lost(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    with parts.open_db() as db:
        for page in db.scalars(select(Page)).all():
            settle(db, Report(page.id, State.UNDELIVERED, code="30005"), post.clock())

    assert called(post, texts, mails, seconds=1) == both("cleo")


def test_what_a_provider_reports_of_a_page_is_kept(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    with parts.open_db() as db:
        page = db.scalars(select(Page)).first()
        settle(db, Report(page.id, State.DELIVERED), post.clock())

        assert page.state is PageState.DELIVERED


def test_whoever_says_that_they_cannot_has_the_next_ones_called_at_once(parts, post, texts, mails, on_call, flagged):
    called(post, texts, mails)
    with parts.open_db() as db:
        page = db.scalars(select(Page)).first()
        pass_on(db, page, post.clock())
        pass_on(db, page, post.clock())

    assert called(post, texts, mails, seconds=1) == both("cleo")
    assert called(post, texts, mails, seconds=1) == both()


def test_nobody_on_duty_and_the_chain_runs_all_the_same(parts, post, texts, mails, flagged):
    with parts.open_db() as db:
        one = builders.staff(db, "ada@oak.example.org")
        put_on_call(db, one, Duty("+12125550200", ["sun"]), one.id, NOW)

        assert not is_anybody_on_duty(db, NOW)
    assert [called(post, texts, mails, minutes=minutes) for minutes in (0, 10, 10, 10, 15)] == [both("ada")] * 5


def test_with_nobody_on_call_administrators_are_mailed(parts, post, texts, mails, flagged):
    with parts.open_db() as db:
        builders.staff(db, "boss@oak.example.org", Role.ADMIN)

    assert called(post, texts, mails) == ([], ["boss"])


def test_with_nobody_at_all_the_flag_is_looked_at_again_and_again(parts, post, texts, mails, flagged):
    for _ in range(5):
        called(post, texts, mails, minutes=15)
    with parts.open_db() as db:
        flag = db.get_one(Flag, flagged)

        assert (flag.closed_at, flag.rounds) == (None, 5)
        builders.staff(db, "boss@oak.example.org", Role.ADMIN)
    assert called(post, texts, mails, minutes=15) == ([], ["boss"])


def test_whoever_is_off_duty_is_called_after_those_who_are_on(parts, post, texts, mails, on_call, flagged):
    with parts.open_db() as db:
        ada = db.get_one(Staff, on_call["ada"])
        put_on_call(db, ada, Duty("+12125550200", ["sun"]), ada.id, NOW)

    assert called(post, texts, mails) == both("ben", "cleo")


def test_a_test_page_counts_once_it_is_answered_and_for_thirty_days(parts, post, texts, mails, on_call):
    with parts.open_db() as db:
        send_test(db, db.scalars(Contact.in_order()).first(), on_call["boss"], NOW)
    sent = called(post, texts, mails)
    with parts.open_db() as db:
        before = list(reached(db, NOW))
        answer_test(db, db.scalars(select(Page)).first(), NOW)
        days = [len(reached(db, NOW + timedelta(days=day))) for day in (0, 29, 31)]

    assert (sent, before, days) == (both("ada"), [], [1, 1, 0])
    assert "only a test" in texts.outbox[0].text


def test_a_new_number_has_to_be_tested_anew(parts, on_call):
    with parts.open_db() as db:
        contact = db.scalars(Contact.in_order()).first()
        contact.tested_at = NOW
        put_on_call(db, contact.staff, Duty("+12125550299"), on_call["boss"], NOW)

        assert contact.tested_at is None


def test_the_list_keeps_its_order_when_somebody_moves_up_or_leaves(parts, on_call):
    def order(db):
        return [row.staff.email.partition("@")[0] for row in db.scalars(Contact.in_order())]

    with parts.open_db() as db:
        dora = db.scalars(Contact.in_order()).all()[3]
        put_on_call(db, dora.staff, Duty(dora.mobile, (), 0), on_call["boss"], NOW)
        moved = order(db)
        take_off_call(db, dora, on_call["boss"], NOW)

        assert (moved, order(db)) == (["dora", "ada", "ben", "cleo", "eve"], ["ada", "ben", "cleo", "eve"])


def test_with_nothing_due_nobody_writes(parts, post, on_call, flagged):
    with parts.read_db() as db:
        due = is_anything_due(db, NOW)
    escalate(post)
    with parts.read_db() as db:
        assert (due, is_anything_due(db, NOW)) == (True, False)
