"""A link that has run out: its page says what to do, and a new one goes to the member's own phone or mailbox."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import agreements, enrol, links
from service.flows.deliver import deliver
from service.models import AuditEntry, Delivery, Enrolment, Group, Link, Member
from service.rules.consent import Channel, Choice
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.conftest import TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TO_PAGE = "http://127.0.0.1:8000/opt-in/"


@pytest.fixture
def run_out(parts):
    """The address of a member's consent page, whose three days are over."""

    def make(purpose="opt_in", **given):
        with parts.open_db() as db:
            who = builders.member(db, **given)
            builders.enrolled(db, builders.group(db), who)
            return links.new_link(db, purpose, NOW - timedelta(hours=1), member_id=who.id)

    return make


def press(client, token):
    page = client.get(f"/opt-in/{token}")
    return client.post(f"/new-link/{token}", data={"csrf_token": TOKEN.search(page.text)[1]})


def notes(parts):
    with parts.read_db() as db:
        return db.scalars(select(Delivery).where(Delivery.kind == Kind.NOTE).order_by(Delivery.due_at)).all()


def send_all(parts, post):
    for row in notes(parts):
        deliver(post, [row.id])


@pytest.mark.parametrize("path", ["/opt-in/", "/me/", "/agreement/"])
def test_the_page_says_in_both_languages_what_to_do(client, run_out, path):
    page = client.get(path + run_out())

    assert page.status_code == 404
    for words in ("Send me a new link", "Este enlace ya no funciona", "call the office: 212-555-0199"):
        assert words in page.text


@pytest.mark.parametrize("purpose", ["opt_in", "choices", "message"])
def test_one_press_sends_a_new_one_to_the_members_own_phone(parts, client, post, texts, run_out, purpose):
    press(client, run_out(purpose))
    send_all(parts, post)
    (said,) = texts.outbox
    token = said.text.split(TO_PAGE)[1].split()[0]

    assert said.to == "+12125550100"
    assert said.text.startswith("Oak St Office: On this page, open for 3 days, you choose what you get: ")
    assert said.text.endswith("Reply STOP to end.")
    assert "Tick only what you want" in client.get(f"/opt-in/{token}").text


def test_whoever_is_mailed_gets_a_mail_whose_page_leads_there(parts, client, post, mails, run_out):
    press(client, run_out(mobile="", email="anna@example.org", choice=Choice.EMAIL))
    send_all(parts, post)

    assert [mail.to for mail in mails.outbox] == ["anna@example.org"]
    assert "The button below leads to the page." in notes(parts)[0].body


@pytest.fixture
def agreement(parts, run_out):
    """The token of a link to an agreement that has run out, and what the group agreed on."""

    def make(**given):
        token = run_out("agreement", **given)
        with parts.open_db() as db:
            agreements.put(db, db.scalars(select(Group)).one(), "We come on time.", None, NOW)
        return token

    return make


@pytest.mark.parametrize("language", ["en", "es"])
def test_whose_way_to_the_agreement_ran_out_gets_a_new_one_to_the_agreement(
    parts, client, post, texts, agreement, language
):
    press(client, agreement(language=language))
    send_all(parts, post)
    (said,) = texts.outbox
    page = client.get("/agreement/" + said.text.split("http://127.0.0.1:8000/agreement/")[1].split()[0])

    assert "We come on time." in page.text
    assert len(said.text) <= 160


def test_by_mail_too_it_leads_to_the_agreement(parts, client, post, mails, agreement):
    press(client, agreement(mobile="", email="anna@example.org", choice=Choice.EMAIL))
    send_all(parts, post)
    page = client.get("/agreement/" + notes(parts)[0].body.split("http://127.0.0.1:8000/agreement/")[1].split()[0])

    assert [mail.to for mail in mails.outbox] == ["anna@example.org"]
    assert "We come on time." in page.text


def test_in_spanish_it_is_one_part_too(parts, client, post, texts, run_out):
    press(client, run_out(language="es"))
    send_all(parts, post)

    assert "abierta 3 dias, elige lo que recibe" in texts.outbox[0].text
    assert len(texts.outbox[0].text) <= 160


def test_a_second_press_within_a_day_sends_nothing_and_says_the_same(parts, client, run_out, clock):
    token = run_out()
    first, second = press(client, token), press(client, token)
    within = len(notes(parts))
    clock.go(hours=25)
    press(client, token)

    assert first.text.partition("<main")[2] == second.text.partition("<main")[2]
    assert (within, len(notes(parts))) == (1, 2)


def test_whoever_guesses_reads_the_same_page_and_nothing_goes(parts, client, run_out):
    token = run_out()
    known, guessed = press(client, token), press(client, "x" * 22)

    assert (known.status_code, guessed.status_code) == (200, 200)
    assert known.text.replace(token, "") == guessed.text.replace("x" * 22, "")
    assert len(notes(parts)) == 1


def test_to_a_number_that_has_agreed_to_nothing_nothing_goes(parts, client, run_out):
    page = press(client, run_out(agrees=()))

    assert "call the office" in page.text
    assert notes(parts) == []


@pytest.mark.parametrize("why", ["left", "erased", "stopped", "opted out"])
def test_nor_to_whom_nothing_may_be_sent_any_more(parts, client, run_out, why):
    token = run_out()
    with parts.open_db() as db:
        who = db.scalars(select(Member)).one()
        if why == "left":
            enrol.leave(db, db.scalars(select(Enrolment)).one(), NOW.date(), NOW)
        elif why == "erased":
            who.erased_at, who.mobile, who.mobile_index = NOW, "", None
        elif why == "stopped":
            who.stopped_at = NOW
        else:
            builders.suppress_texts(db, who)
    press(client, token)

    assert notes(parts) == []


def test_a_companion_is_sent_none(parts, client):
    with parts.open_db() as db:
        who = builders.member(db)
        builders.enrolled(db, builders.group(db), who)
        other = builders.companion(db, who)
        token = links.new_link(db, "opt_in", NOW, member_id=other.id)
    press(client, token)

    assert notes(parts) == []


def test_in_the_night_it_waits_for_the_morning(parts, client, run_out, clock):
    clock.go_to(builders.local("2027-01-04 23:30"))
    press(client, run_out())

    assert (notes(parts)[0].state, notes(parts)[0].next_at) == (State.SCHEDULED, builders.local("2027-01-05 09:00"))


def test_opening_the_page_sends_nothing(parts, client, run_out):
    token = run_out()
    for _ in range(5):
        client.get(f"/opt-in/{token}")

    assert (notes(parts), client.get(f"/new-link/{token}").status_code) == ([], 405)


def test_staff_send_it_with_one_press(parts, staff, post, texts):
    with parts.open_db() as db:
        key = builders.member(db).id
    before = staff.get(f"/members/{key}/consent").text
    answer = staff.post(f"/members/{key}/opt-in-link/send", follow_redirects=True)
    send_all(parts, post)

    assert "Send it to them" in before
    assert "on its way by text" in answer.text
    assert TO_PAGE in texts.outbox[0].text
    with parts.read_db() as db:
        kept = db.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
        assert (kept.action, kept.details) == ("consent link sent", {"channel": "sms"})


def test_where_they_may_not_be_written_to_staff_are_told_what_to_do_instead(parts, staff):
    with parts.open_db() as db:
        key = builders.member(db, agrees=()).id
    answer = staff.post(f"/members/{key}/opt-in-link/send", follow_redirects=True)

    assert "Send it to them" not in answer.text
    assert "Make a link, and open it on their phone or hand it over." in answer.text
    assert notes(parts) == []


def test_a_link_that_was_sent_names_no_group(parts, client, staff, post, texts):
    with parts.open_db() as db:
        key = builders.scene(db).member
    staff.post(f"/members/{key}/opt-in-link/send")
    send_all(parts, post)
    page = client.get("/opt-in/" + texts.outbox[0].text.split(TO_PAGE)[1].split()[0])

    assert page.status_code == 200
    assert not any(name in page.text for name in ("Thursday group", "Room 2"))
    with parts.read_db() as db:
        assert db.scalars(select(Link.purpose)).all() == ["choices"]
        assert notes(parts)[0].channel is Channel.SMS


def test_of_staff_nobody_sees_the_way_that_is_anothers(parts, staff, post, texts):
    with parts.open_db() as db:
        key = builders.member(db).id
    staff.post(f"/members/{key}/opt-in-link/send")
    (row,) = notes(parts)
    waiting = staff.get(f"/queue/{row.id}").text
    staff.post(f"/queue/{row.id}/edit", {"words": "No link now", "at": "2027-01-05T17:59"})
    send_all(parts, post)
    thread = staff.get(f"/members/{key}").text
    token = texts.outbox[0].text.split(TO_PAGE)[1].split()[0]

    assert token not in waiting
    assert "you choose what you get: http://127.0.0.1:8000/opt-in/…" in thread
    assert token not in thread
