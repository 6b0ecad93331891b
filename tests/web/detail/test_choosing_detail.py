"""Texts that name the group and the place: chosen on the member's page, and taken back as easily."""

import json
import re

import pytest
from sqlalchemy import select

from service.flows.links import new_link
from service.models import Group, Member
from service.rules.consent import Channel, Choice, Purpose
from service.rules.lifecycle import State
from tests import builders
from tests.web.conftest import TOKEN
from tests.web.detail.conftest import SAMPLE, SENTENCE, plain, rows_of, wants
from tests.web.made_groups import has_error_at

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BOX = 'name="purpose_detailed"'


def link(parts, key):
    with parts.open_db() as db:
        return f"/opt-in/{new_link(db, 'opt_in', None, member_id=key)}"


def press(client, path, to="", **form):
    return client.post(path + to, data={"csrf_token": TOKEN.search(client.get(path).text)[1], **form})


def test_the_page_shows_an_empty_box_beside_the_very_text(parts, client, key):
    page = client.get(link(parts, key()))

    assert SAMPLE in plain(page)
    assert SENTENCE in page.text
    assert re.search(rf"<input[^>]*{BOX}[^>]*>", page.text)
    assert not re.search(rf"<input[^>]*{BOX}[^>]*checked", page.text)


def test_the_text_stands_there_in_the_language_in_which_it_will_come(parts, client, key):
    page = client.get(link(parts, key(language="es")) + "?lang=en")

    assert SENTENCE in page.text
    assert "Thursday group, jue 7 ene a las 6:30 PM, Room 2." in page.text


def test_the_page_for_everybody_shows_a_group_that_is_not(client):
    page = client.get("/opt-in")

    assert BOX in page.text
    assert "Thursday Circle meets Wed Dec 30" in page.text


def test_nothing_of_it_is_on_the_page_where_no_such_text_can_go(parts, client, key):
    who = key()
    with parts.open_db() as db:
        db.scalars(select(Group)).one().place = ""
    path = link(parts, who)
    page = press(client, path, purpose_detailed="1")

    assert BOX not in page.text
    assert not wants(parts, who)


def test_a_tick_is_kept_with_the_words_their_version_and_the_sample(parts, client, key):
    who = key()
    page = press(client, link(parts, who), purpose_detailed="1", lang="en")
    row = rows_of(parts)[-1]

    assert (page.status_code, wants(parts, who)) == (200, True)
    assert (row.channel, row.purpose, row.method, row.taken_by) == (Channel.SMS, Purpose.DETAILED, "page", "member")
    assert row.wording.startswith(f"By text\n{SENTENCE}")
    assert (len(row.version), row.language) == (12, "en")
    proof = json.loads(row.proof)
    assert proof["sample"].splitlines()[0] == SAMPLE
    assert (proof["legal ground"], proof["page"]) == ("consent of its own for each purpose", "/opt-in")


def test_who_gets_no_reminders_by_text_is_asked_to_tick_them_too(parts, client):
    with parts.open_db() as db:
        person = builders.member(db, email="anna@example.org", choice=Choice.BOTH, agrees=())
        place = builders.group(db)
        builders.session(db, place)
        builders.enrolled(db, place, person)
        who = person.id
    path = link(parts, who)
    alone = press(client, path, purpose_detailed="1")
    by_mail = press(client, path, purpose_detailed="1", purpose_reminder="1", channel_email="1")

    assert [(page.status_code, has_error_at(page, "purpose_detailed")) for page in (alone, by_mail)] == [
        (422, True)
    ] * 2
    assert rows_of(parts) == []


def test_a_number_that_has_not_said_start_is_asked_first(parts, client, twilio):
    with parts.open_db() as db:
        person = builders.member(db, mobile="+12125550100", agrees=())
        place = builders.group(db)
        builders.session(db, place)
        builders.enrolled(db, place, person)
        who = person.id
    press(client, link(parts, who), purpose_detailed="1", purpose_reminder="1")
    before = wants(parts, who)
    twilio.said("+12125550100", "START")

    assert (before, wants(parts, who)) == (False, True)
    assert json.loads(rows_of(parts)[-1].proof)["sample"].splitlines()[0] == SAMPLE


def test_it_is_taken_back_on_the_same_page_with_one_press(parts, client, key):
    who = key()
    path = link(parts, who)
    press(client, path, purpose_detailed="1")
    chosen = client.get(path)
    pages = [press(client, path, "/discreet") for _ in range(2)]

    assert "You chose reminders with the name and the place." in chosen.text
    assert BOX not in chosen.text
    assert all("no longer say the name or the place" in page.text for page in pages)
    assert BOX in pages[0].text
    assert not wants(parts, who)
    assert [(row.is_yes, row.purpose) for row in rows_of(parts)][-2:] == [(True, "detailed"), (False, "detailed")]


def test_looking_at_it_changes_nothing(parts, client, key):
    who = key()
    path = link(parts, who)
    for _ in range(3):
        client.get(path)
        assert client.get(f"{path}/discreet").status_code == 405

    assert not wants(parts, who)
    assert len(rows_of(parts)) == 1


@pytest.fixture
def from_mail(parts, client):
    """The consent page as whoever reads the member's mail comes to it."""

    def follow(who):
        with parts.open_db() as db:
            row = builders.delivery(db, db.get_one(Member, who), state=State.DELIVERED, channel=Channel.EMAIL)
            row.body = "The words of the mail."
            path = f"/me/{new_link(db, 'message', None, member_id=who, delivery_id=row.id)}"
        return press(client, path, "/choices").headers["Location"]

    return follow


NAMES = ("Room 2", "Thursday group", "Thursday grief group")


@pytest.mark.parametrize("has_chosen", [False, True])
def test_whoever_reads_the_members_mail_learns_no_group_and_no_place(parts, client, key, from_mail, has_chosen):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    if has_chosen:
        press(client, link(parts, who), purpose_detailed="1")
    page = plain(client.get(from_mail(who)))

    assert [name for name in NAMES if name in page] == []
    assert ("call the office: 212-555-0199" in page, "Take the name and place out" in page) == (
        not has_chosen,
        has_chosen,
    )


def test_nor_can_they_choose_it_there_but_they_can_take_it_back(parts, client, key, from_mail):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    path = from_mail(who)
    press(client, path, purpose_detailed="1")
    by_mail = wants(parts, who)
    press(client, link(parts, who), purpose_detailed="1")
    by_hand = wants(parts, who)
    press(client, path, "/discreet")

    assert (by_mail, by_hand, wants(parts, who)) == (False, True, False)


def test_where_no_text_can_name_a_group_the_office_is_not_offered(parts, client, key, from_mail):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    with parts.open_db() as db:
        db.scalars(select(Group)).one().place = ""

    assert "call the office" not in client.get(from_mail(who)).text


@pytest.mark.parametrize("to", ["/discreet", ""])
def test_a_link_that_is_gone_takes_nothing_back_and_gives_nothing(parts, client, key, to):
    who = key()
    token = TOKEN.search(client.get(link(parts, who)).text)[1]

    assert client.post(f"/opt-in/nonsense{to}", data={"csrf_token": token}).status_code == 404
