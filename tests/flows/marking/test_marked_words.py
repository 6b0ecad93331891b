"""The words, links and lifetime that a message leaves with."""

import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from service.flows.deliver import deliver
from service.flows.links import follow
from service.flows.plan import plan
from service.models import Delivery, Group, Member
from service.rules.consent import Choice, Refusal
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, local
from tests.flows.marking.conftest import WEDNESDAY, outcome


def test_a_same_day_reminder_says_today_only_today(parts, post, texts, clock):
    with parts.open_db() as db:
        place = builders.group(db)
        today = builders.session(db, place, local("2027-01-04 18:30"))
        tomorrow = builders.session(db, place, local("2027-01-05 18:30"))
        who = builders.member(db)
        ids = [builders.delivery(db, who, meeting, Kind.SAME_DAY).id for meeting in (today, tomorrow)]
    outcome(parts, post, ids)

    said = sorted(message.text for message in texts.outbox)
    assert said == [
        "Oak St Office: Reminder of your appointment Tue Jan 5 at 6:30 PM. Reply C to confirm or X if you can't come."
        " Reply STOP to end.",
        "Oak St Office: See you today at 6:30 PM. Your place is held. Reply X if you can't come or call 212-555-0199.",
    ]


def test_a_member_whose_language_we_do_not_have_is_not_written_to(parts, post, texts, due):
    with parts.open_db() as db:
        db.get_one(Member, due.member).language = "fr"

    row = outcome(parts, post, due.delivery)
    assert (row.state, row.reason, texts.outbox) == (State.CANCELLED, Refusal.NO_TEXT, [])


def test_the_words_are_kept_as_they_left(parts, post, texts, due):
    row = outcome(parts, post, due.delivery)

    assert (row.body, row.address) == (texts.outbox[0].text, texts.outbox[0].to)


def test_the_provider_is_told_how_long_a_text_is_of_use(parts, post, texts, clock, due):
    clock.go_to(local("2027-01-07 17:00"))
    deliver(post, [due.delivery])

    assert texts.outbox[0].useful_for == THURSDAY - timedelta(minutes=10) - clock()


def test_a_mail_says_nothing_but_that_there_is_a_message(parts, post, mails, clock):
    with parts.open_db() as db:
        made = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
    clock.go_to(WEDNESDAY)
    outcome(parts, post, made.delivery)

    (mail,) = mails.outbox
    assert mail.subject == "You have a new message"
    assert "Thu" not in mail.text
    assert "6:30" not in mail.text
    assert "https://groups.example.org/me/" in mail.text


def test_a_mail_can_be_stopped_with_one_click(parts, post, mails, clock):
    with parts.open_db() as db:
        made = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
    clock.go_to(WEDNESDAY)
    outcome(parts, post, made.delivery)

    headers = mails.outbox[0].headers
    assert headers["List-Unsubscribe"].startswith("<https://groups.example.org/u/")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_each_mail_has_links_of_its_own(parts, post, mails, clock):
    with parts.open_db() as db:
        made = builders.scene(db, email="anna@example.org", choice=Choice.EMAIL)
        other = builders.member(db, "Ben Cole", email="ben@example.org", choice=Choice.EMAIL)
        builders.enrolled(db, db.get_one(Group, made.group), other)
        plan(db, NOW)
        to = {str(row.id): row.member_id for row in db.scalars(select(Delivery))}
    clock.go_to(WEDNESDAY)
    deliver(post, [UUID(one) for one in to])

    assert {mail.reference for mail in mails.outbox} == set(to)
    with parts.read_db() as db:
        for mail in mails.outbox:
            page = follow(db, re.findall(r"/me/(\S+)", mail.text)[0], "message", clock())
            (token,) = {*re.findall(r"/u/([^\s>]+)", mail.text + mail.headers["List-Unsubscribe"])}
            stop = follow(db, token, "unsubscribe", clock())
            for link in (page, stop):
                assert (str(link.delivery_id), link.member_id) == (mail.reference, to[mail.reference])
            assert (page.expires_at - clock(), stop.expires_at) == (timedelta(hours=72), None)
