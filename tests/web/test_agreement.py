"""A group's agreement: versions, who agreed to which, and the members' own page of it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import links
from service.models import Acknowledgement, Agreement, Delivery, Member
from service.rules.consent import MESSAGES, Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.web.conftest import TOKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LINK = re.compile(r"/agreement/\S+")
OFFERED = re.compile(r'name="agreement" value="([^"]+)"')


@pytest.fixture
def group_id(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        for name, agrees in (("Anna Bell", MESSAGES), ("Ben Cole", ())):
            builders.enrolled(db, place, builders.member(db, name, agrees=agrees))
        return place.id


@pytest.fixture
def page(group_id):
    return f"/groups/{group_id}/agreement"


def put(staff, page, words="What is said here stays here."):
    return staff.post(page, {"words": words}, follow_redirects=True)


def asked(parts):
    """The words that go out, of each message."""
    with parts.read_db() as db:
        return [row.body for row in db.scalars(select(Delivery).where(Delivery.kind == Kind.NOTE))]


def given(parts):
    with parts.read_db() as db:
        rows = db.execute(
            select(Member, Agreement.version, Acknowledgement.how)
            .join(Acknowledgement, Acknowledgement.member_id == Member.id)
            .join(Agreement)
        )
        return [(member.name, version, how) for member, version, how in rows]


def agree(client, path):
    shown = client.get(path).text
    return client.post(path, data={"csrf_token": TOKEN.search(shown)[1], "agreement": OFFERED.search(shown)[1]})


def test_before_there_is_one_the_page_offers_points_to_begin_from(staff, page):
    assert "What is said here stays here." in staff.get(page).text


def test_other_words_are_a_new_version_and_the_same_are_not(parts, staff, page):
    put(staff, page)
    put(staff, page)
    assert "Version 2 is in force" in put(staff, page, "We come on time.").text

    with parts.read_db() as db:
        assert [row.version for row in db.scalars(select(Agreement))] == [1, 2]


@pytest.mark.parametrize("words", ["", "   ", "x" * 4001])
def test_words_that_are_none_or_too_many_are_answered_at_their_field(parts, staff, page, words):
    answer = staff.post(page, {"words": words})

    assert (answer.status_code, 'id="f-words-error"' in answer.text) == (422, True)


def test_each_who_may_be_written_to_gets_a_link_of_their_own_and_no_word_of_the_group(parts, staff, page):
    put(staff, page)
    told = staff.post(f"{page}/ask", follow_redirects=True).text

    (words,) = asked(parts)
    assert "1 message on the way." in told
    assert "Not asked: Ben Cole (no consent on record)." in told
    assert "group" not in words.lower()


def test_a_member_reads_it_and_agrees_once(parts, staff, page, app):
    put(staff, page)
    staff.post(f"{page}/ask")
    path = LINK.search(asked(parts)[0])[0]
    phone = app.test_client()
    assert "What is said here stays here." in phone.get(path).text
    assert given(parts) == []

    assert "Confirmed" in agree(phone, path).text
    assert given(parts) == [("Anna Bell", 1, "page")]
    assert "on their page" in staff.get(page).text


def test_from_a_mail_one_press_leads_there(parts, staff, page, app):
    put(staff, page)
    with parts.open_db() as db:
        who = db.scalars(select(Member).where(Member.id.in_(select(Delivery.member_id)))).first()
        who = who or next(one for one in db.scalars(select(Member)) if one.name == "Anna Bell")
        row = builders.delivery(db, who, kind=Kind.NOTE, channel=Channel.EMAIL, state=State.SENT, marked_at=NOW)
        row.body = "Read http://127.0.0.1:8000/agreement/abc <b>now</b>."
        token = links.new_link(db, "message", NOW + timedelta(days=1), member_id=who.id, delivery_id=row.id)
    shown = app.test_client().get(f"/me/{token}").text

    assert re.search(r'<a href="http://127.0.0.1:8000/agreement/abc"[^>]*>', shown)
    assert "&lt;b&gt;now&lt;/b&gt;" in shown


def test_what_is_no_longer_in_force_cannot_be_agreed_to(parts, staff, page, app):
    put(staff, page)
    staff.post(f"{page}/ask")
    path, phone = LINK.search(asked(parts)[0])[0], app.test_client()
    shown = phone.get(path).text
    old = OFFERED.search(shown)[1]
    put(staff, page, "We come on time.")
    answer = phone.post(path, data={"csrf_token": TOKEN.search(shown)[1], "agreement": old})

    assert "We come on time." in answer.text
    assert given(parts) == []


def test_a_paper_that_was_signed_counts_and_a_new_version_asks_anew(parts, staff, page):
    put(staff, page)
    with parts.read_db() as db:
        ben = db.scalars(select(Member).order_by(Member.id.desc())).first()
    staff.post(f"{page}/paper", {"member": str(ben.id)})
    staff.post(f"{page}/paper", {"member": str(ben.id)})
    assert given(parts) == [(ben.name, 1, "paper")]

    shown = put(staff, page, "We come on time.").text
    assert "Agreed to version 1" in shown
    assert "0 of 2 agreed to it." in shown


def test_whoever_left_has_nothing_to_confirm_and_an_old_link_is_gone(parts, staff, page, app):
    put(staff, page)
    with parts.open_db() as db:
        who = builders.member(db, "Cleo Park")
        still, over = (
            links.new_link(db, "agreement", NOW + timedelta(days=days), member_id=who.id) for days in (1, -1)
        )

    assert "There is nothing to confirm" in app.test_client().get(f"/agreement/{still}").text
    assert app.test_client().get(f"/agreement/{over}").status_code == 404
