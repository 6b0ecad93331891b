from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import AddressRefused, Refused
from service.flows import ledger
from service.flows.deliver import deliver, deliver_due
from service.flows.plan import plan
from service.flows.settle import Report, settle
from service.models import Delivery, Member
from service.rules.consent import MESSAGES, Channel, Choice, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import EVIDENCE, NOW


@pytest.fixture
def texted(parts, post):
    """A reminder that went out by text, to a member who agreed to mails too, and chose texts."""
    with parts.open_db() as db:
        place = builders.group(db)
        meeting, rule = builders.session(db, place), builders.rule(db, place)
        who = builders.member(db, email="anna@example.org", choice=Choice.SMS)
        ledger.agree(db, who, Channel.EMAIL, [Purpose.REMINDER], EVIDENCE, NOW)
        builders.enrolled(db, place, who)
        one = builders.delivery(db, who, meeting, rule_id=rule.id).id
    deliver(post, [one])
    return one


def report(parts, clock, one, **more):
    with parts.open_db() as db:
        settle(db, Report(one, State.UNDELIVERED, code="30003", **more), clock())


def instead(parts, one):
    with parts.read_db() as db:
        return db.scalars(select(Delivery).where(Delivery.instead_of == one)).all()


def send_all(post):
    deliver_due(post, lambda: False)


def test_a_text_that_did_not_arrive_is_followed_by_a_mail(parts, post, mails, clock, texted):
    report(parts, clock, texted)
    send_all(post)

    (mail,) = instead(parts, texted)
    assert (mail.channel, mail.state, mail.why) == (Channel.EMAIL, State.ACCEPTED, "the text did not arrive")
    assert [message.to for message in mails.outbox] == ["anna@example.org"]


def test_it_follows_once_however_often_the_report_comes(parts, post, mails, clock, texted):
    for _ in range(3):
        report(parts, clock, texted)
        send_all(post)

    assert len(mails.outbox) == 1


def test_planning_leaves_it_alone(parts, post, mails, clock, texted):
    report(parts, clock, texted)
    with parts.open_db() as db:
        plan(db, clock())
    send_all(post)

    assert len(mails.outbox) == 1


def test_a_text_that_was_refused_for_good_is_followed_by_a_mail(parts, post, texts, mails):
    def refuse(message):
        raise Refused("Twilio 21612")

    texts.before_sending = refuse
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org", choice=Choice.SMS)
        ledger.agree(db, who, Channel.EMAIL, [Purpose.REMINDER], EVIDENCE, NOW)
        builders.delivery(db, who, builders.session(db, builders.group(db)))
    send_all(post)

    assert len(mails.outbox) == 1


def test_after_an_opt_out_nothing_follows(parts, post, texts, mails, clock, texted):
    report(parts, clock, texted, opted_out=True)
    send_all(post)

    assert mails.outbox == []


def test_a_number_that_the_provider_refuses_is_no_reason_to_write_elsewhere(parts, post, texts, mails):
    def refuse(message):
        raise AddressRefused("Twilio 21610")

    texts.before_sending = refuse
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org", choice=Choice.SMS)
        ledger.agree(db, who, Channel.EMAIL, [Purpose.REMINDER], EVIDENCE, NOW)
        builders.delivery(db, who, builders.session(db, builders.group(db)))
    send_all(post)

    assert mails.outbox == []


def test_without_consent_on_the_other_channel_nothing_follows(parts, post, mails, clock, texted):
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        ledger.withdraw(db, who, Channel.EMAIL, [Purpose.REMINDER], EVIDENCE, NOW + timedelta(seconds=1))
    report(parts, clock, texted)

    assert instead(parts, texted) == []


def test_shortly_before_the_deadline_nothing_follows(parts, post, clock, texted):
    clock.go(hours=11, minutes=41)
    report(parts, clock, texted)

    assert instead(parts, texted) == []


def test_a_member_of_both_channels_gets_no_third_message(parts, post, mails, clock):
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org", choice=Choice.BOTH)
        meeting = builders.session(db, builders.group(db))
        text, mail = (builders.delivery(db, who, meeting, channel=channel).id for channel in Channel)
    deliver(post, [text, mail])
    report(parts, clock, text)
    send_all(post)

    assert len(mails.outbox) == 1


def test_a_prompt_is_not_repeated_elsewhere(parts, post, mails, clock):
    with parts.open_db() as db:
        who = builders.member(db, email="anna@example.org", choice=Choice.SMS)
        ledger.agree(db, who, Channel.EMAIL, MESSAGES, EVIDENCE, NOW)
        one = builders.delivery(db, who, builders.session(db, builders.group(db)), Kind.REFLECTION).id
    deliver(post, [one])
    report(parts, clock, one)

    assert instead(parts, one) == []
