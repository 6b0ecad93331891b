"""What a member's ticks on the consent page lead to."""

import json

import pytest
from sqlalchemy import select

from service.flows.opting import From, no_more_mails, opt_out
from service.flows.standing import standing
from service.models import Delivery, Invitation, Member
from service.rules.consent import Channel, Choice, Purpose
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.conftest import TOKEN
from tests.web.opt_in.conftest import MAIL, MOBILE, consents, questions

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def tick(client, path, *purposes, channels=("sms", "email"), **form):
    token = TOKEN.search(client.get(path).text)[1]
    ticked = {f"purpose_{name}": "1" for name in purposes} | {f"channel_{name}": "1" for name in channels}
    return client.post(path, data={"csrf_token": token, **ticked, **form})


def agreed(parts, channel):
    with parts.read_db() as db:
        who = db.scalars(select(Member)).one()
        return set(standing(db, who).agreed(channel, who.address_index(channel)))


def test_nothing_ticked_is_no_consent_and_no_error(parts, client, link):
    page = tick(client, link(), channels=())

    assert (page.status_code, consents(parts), questions(parts)) == (200, [], 0)
    assert "nothing will be sent" in page.text


def test_whoever_agreed_before_reads_that_it_stays_so(client, link):
    path = link()
    before = client.get(path).text
    tick(client, path, "reminder", channels=["email"])

    assert "stays as it is" not in before
    assert "What you agreed to before stays as it is" in client.get(path).text


def test_nothing_ticked_does_not_promise_silence_to_whoever_agreed_before(client, link):
    path = link()
    tick(client, path, "reminder", channels=["email"])
    page = tick(client, path, channels=()).text

    assert "you go on getting what you agreed to before" in page
    assert "nothing will be sent" not in page


def test_mail_is_agreed_to_at_once_for_what_was_ticked_and_nothing_else(parts, client, link):
    tick(client, link(), "reminder", "checkin", channels=["email"])

    assert agreed(parts, Channel.EMAIL) == {Purpose.REMINDER, Purpose.CHECKIN}
    assert (agreed(parts, Channel.SMS), questions(parts)) == (set(), 0)


def test_a_number_says_start_before_anything_is_in_force(parts, client, link, twilio):
    page = tick(client, link(), "reminder", channels=["sms"])
    before = agreed(parts, Channel.SMS)
    twilio.said(MOBILE, "START")

    assert "Answer it with START" in page.text
    assert (before, agreed(parts, Channel.SMS), questions(parts)) == (set(), {Purpose.REMINDER}, 1)


def test_the_ledger_holds_the_words_of_the_page_its_version_and_the_browser(parts, client, link, twilio):
    tick(client, link(), "reminder")
    twilio.said(MOBILE, "START")
    by_mail, by_text = consents(parts)

    assert by_mail.wording == by_text.wording
    assert by_mail.version == by_text.version
    assert by_mail.wording.startswith("By text\nBy email\nSend me reminders of my appointments")
    assert "check-in" not in by_mail.wording
    assert [row.method for row in (by_mail, by_text)] == ["page", "text START"]
    assert json.loads(by_mail.proof)["page"] == json.loads(by_text.proof)["page"] == "/opt-in"
    assert json.loads(by_text.proof)["said"] == "START"


def test_the_words_are_those_of_the_language_that_was_shown(parts, client, link):
    tick(client, link(), "reminder", channels=["email"], lang="es")
    row = consents(parts)[0]

    assert (row.language, row.wording.splitlines()[0]) == ("es", "Por correo")


def test_other_words_of_the_page_are_another_version_and_old_rows_keep_theirs(parts, client, link):
    path = link()
    tick(client, path, "reminder", channels=["email"])
    with parts.open_db() as db:
        builders.practice(db).per_week = 4
    tick(client, path, "checkin", channels=["email"])
    first, second = consents(parts)

    assert first.version != second.version
    assert ("Up to 5 texts" in first.wording, "Up to 4 texts" in second.wording) == (True, True)


def test_a_second_press_adds_nothing_and_a_second_thought_adds_what_is_new(parts, client, link):
    path = link()
    for _ in range(2):
        tick(client, path, "reminder")
    tick(client, path, "reminder", "reflection")

    assert agreed(parts, Channel.EMAIL) == {Purpose.REMINDER, Purpose.REFLECTION}
    assert (len(consents(parts)), questions(parts)) == (2, 1)


def test_start_means_what_was_ticked_last(parts, client, link, twilio):
    path = link()
    tick(client, path, "reminder", "checkin", channels=["sms"])
    tick(client, path, "reflection", channels=["sms"])
    twilio.said(MOBILE, "START")

    assert agreed(parts, Channel.SMS) == {Purpose.REFLECTION}


def test_what_is_ticked_by_neither_text_nor_mail_asks_which(parts, client, link):
    page = tick(client, link(), "reminder", channels=())

    assert (page.status_code, consents(parts)) == (422, [])
    assert "Tick text, email, or both." in page.text


def test_who_has_only_a_number_is_not_asked_how(parts, client, link):
    page = tick(client, link(email="", choice=Choice.SMS), "reminder", channels=())

    assert (page.status_code, questions(parts)) == (200, 1)


def test_a_number_that_opted_out_is_not_written_to_and_its_owner_can_say_start(parts, client, link, twilio):
    path = link()
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        opt_out(db, [who], From(Channel.SMS, who.mobile_index), "STOP", NOW, all_channels=False)
    page = tick(client, path, "reminder", channels=["sms"])
    silent = (questions(parts), agreed(parts, Channel.SMS))
    twilio.said(MOBILE, "START")

    assert "text START from your phone to +15005550006" in page.text
    assert (silent, agreed(parts, Channel.SMS)) == ((0, set()), {Purpose.REMINDER})


def test_an_address_that_opted_out_is_not_opted_in_by_a_link_that_staff_made(parts, client, link):
    path = link()
    with parts.open_db() as db:
        no_more_mails(db, db.scalars(select(Member)).one(), NOW)
    page = tick(client, path, "reminder", channels=["email"])

    assert "use the link in any of them" in page.text
    assert (agreed(parts, Channel.EMAIL), consents(parts)) == (set(), [])


def test_a_number_that_said_start_already_needs_not_say_it_again(parts, client, link):
    tick(client, link(agrees=[Purpose.REMINDER]), "checkin", channels=["sms"])

    assert agreed(parts, Channel.SMS) == {Purpose.REMINDER, Purpose.CHECKIN}
    assert questions(parts) == 0


def test_the_invitation_of_the_page_dies_after_a_week(parts, client, link, clock, twilio):
    tick(client, link(), "reminder", channels=["sms"])
    clock.go(days=8)
    twilio.said(MOBILE, "START")

    assert agreed(parts, Channel.SMS) == set()


def test_an_opt_out_by_the_mails_link_is_lifted_by_the_same_link_and_gives_back_what_was_there(parts, client):
    from service.flows.links import new_link

    with parts.open_db() as db:
        who = builders.member(db, mobile="", email=MAIL, choice=Choice.EMAIL, agrees=[Purpose.REMINDER])
        path = f"/u/{new_link(db, 'unsubscribe', None, member_id=who.id)}"
    client.post(path, data={"List-Unsubscribe": "One-Click"})
    off = (agreed(parts, Channel.EMAIL), "Get them again" in client.get(path).text)
    client.post(path, data={"again": "1"})

    assert off == (set(), True)
    assert agreed(parts, Channel.EMAIL) == {Purpose.REMINDER}


def test_the_question_waits_for_the_morning(parts, client, link, clock):
    path = link()
    clock.go_to(builders.local("2027-01-04 23:30"))
    tick(client, path, "reminder", channels=["sms"])

    with parts.read_db() as db:
        row = db.scalars(select(Delivery)).one()
        assert (row.state, row.next_at) == (State.SCHEDULED, builders.local("2027-01-05 09:00"))
        assert db.scalars(select(Invitation)).one().expires_at > row.next_at
