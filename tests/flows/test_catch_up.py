"""A webhook that never came: its text is found in the provider's list, once, and treated like every other."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.channels import ChannelDown, Received
from service.channels.transport import Transport
from service.channels.twilio_sms import TwilioSms
from service.flows.answer import Inbound
from service.flows.catch_up import catch_up
from service.flows.receive import receive
from service.flows.suppress import is_suppressed
from service.models import Attendance, Reply
from service.models.groups import Answer
from service.models.sealed import index_of
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.settings import Settings
from tests import builders
from tests.builders import NOW

MOBILE = "+12125550100"


@pytest.fixture
def asked(parts):
    with parts.open_db() as db:
        who = builders.member(db, mobile=MOBILE)
        about = builders.session(db, builders.group(db))
        builders.delivery(db, who, about, state=State.DELIVERED, marked_at=NOW - timedelta(hours=1), attempts=1)


def missed(texts, words, minutes=2, sid="SM1", sender=MOBILE, **more):
    texts.inbox.append(Received(sid, sender, words, NOW - timedelta(minutes=minutes), **more))


def replies(parts):
    with parts.read_db() as db:
        return [reply.text for reply in db.scalars(select(Reply).order_by(Reply.received_at, Reply.id))]


def is_out(parts):
    with parts.read_db() as db:
        return is_suppressed(db, Channel.SMS, index_of(Channel.SMS, MOBILE))


def test_an_answer_whose_webhook_never_came_counts_and_is_answered(parts, post, texts, asked):
    missed(texts, "C")
    found = catch_up(post)

    assert (found, replies(parts)) == (1, ["C"])
    assert [message.text for message in texts.outbox] == ["Oak St Office: Thank you. See you Thu Jan 7 at 6:30 PM."]
    with parts.read_db() as db:
        assert db.scalars(select(Attendance)).one().answer is Answer.COMING


def test_a_stop_whose_webhook_never_came_counts(parts, post, texts, asked):
    missed(texts, "STOP", minutes=600)
    catch_up(post)

    assert (is_out(parts), texts.outbox) == (True, [])


def test_it_is_found_once(parts, post, texts, asked):
    missed(texts, "C")

    assert [catch_up(post) for _ in range(3)] == [1, 0, 0]
    assert (len(replies(parts)), len(texts.outbox)) == (1, 1)


def test_what_a_webhook_brought_is_not_taken_again(parts, post, texts, asked):
    with parts.open_db() as db:
        receive(db, Inbound("SM1", MOBILE, "C"), NOW)
    missed(texts, "C")

    assert (catch_up(post), texts.outbox) == (0, [])


def test_a_webhook_that_is_only_late_gets_its_time_and_then_no_second_answer(parts, post, texts, asked, clock):
    missed(texts, "C", minutes=0)
    early = catch_up(post)
    clock.go(seconds=61)
    found = catch_up(post)
    with parts.open_db() as db:
        late = receive(db, Inbound("SM1", MOBILE, "C"), clock())

    assert (early, found, late, len(texts.outbox)) == (0, 1, "", 1)


def test_the_oldest_is_taken_first(parts, post, texts, asked):
    missed(texts, "STOP", minutes=10, sid="SM1")
    missed(texts, "START", minutes=8, sid="SM2")
    catch_up(post)

    assert (is_out(parts), replies(parts)) == (False, ["STOP", "START"])


@pytest.mark.parametrize(("minutes", "answered"), [(4, 1), (6, 0)])
def test_an_answer_that_would_come_late_is_not_given(parts, post, texts, asked, minutes, answered):
    missed(texts, "HELP", minutes=minutes)
    catch_up(post)

    assert (len(replies(parts)), len(texts.outbox)) == (1, answered)


def test_where_help_is_is_said_however_late_and_a_person_is_told(parts, post, texts, asked):
    missed(texts, "I want to die", minutes=600)
    catch_up(post)

    assert "988" in texts.outbox[0].text
    with parts.read_db() as db:
        assert len(db.scalars(Reply.urgent()).all()) == 1


def test_a_picture_is_noted_and_not_fetched(parts, post, texts, asked):
    missed(texts, "", has_picture=True)
    catch_up(post)

    with parts.read_db() as db:
        assert len(db.scalars(Reply.unhandled()).all()) == 1


def test_a_provider_that_cannot_be_asked_is_asked_again_later(parts, post, texts, asked, monkeypatch):
    def down(since):
        raise ChannelDown("Twilio 20003")

    monkeypatch.setattr(texts, "received", down)

    assert catch_up(post) == 0


def test_an_answer_that_the_provider_refuses_is_let_be(parts, post, texts, asked):
    def refuse(message):
        raise ChannelDown("Twilio 20003")

    texts.before_sending = refuse
    missed(texts, "C")

    assert (catch_up(post), replies(parts)) == (1, ["C"])


@builders.on_sqlite
def test_twilios_list_holds_what_people_wrote_and_not_what_we_sent(parts, post, sandbox):
    settings = Settings.from_env({"TWILIO_API_BASE": sandbox.url})
    sms = TwilioSms(settings.twilio, Transport(post.patience), "https://groups.example.org/webhooks/twilio/status")
    for words in ("first", "second"):
        sandbox.tell("inbound/sms", {"from": MOBILE, "to": settings.twilio.sender, "body": words})
    sandbox.tell("inbound/sms", {"from": MOBILE, "to": settings.twilio.sender, "body": "", "media": 1})
    listed = sms.received(NOW - timedelta(days=3650))

    assert [(one.text, one.sender, one.has_picture) for one in reversed(listed)] == [
        ("first", MOBILE, False),
        ("second", MOBILE, False),
        ("", MOBILE, True),
    ]
    assert all(one.at is not None and one.provider_id for one in listed)
