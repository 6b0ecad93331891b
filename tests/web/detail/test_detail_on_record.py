"""Texts that name the group and the place, put on record by staff and taken back on the member's word."""

import json

import pytest
from sqlalchemy import select

from service.models import Group, Member, Staff
from service.rules.consent import Channel, Choice, Purpose
from tests import builders
from tests.web.conftest import TOKEN
from tests.web.detail.conftest import SAMPLE, SENTENCE, plain, rows_of, wants

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_PAPER = {
    "purpose_detailed": "1",
    "channel_sms": "1",
    "method": "paper",
    "consent_on": "2027-01-03",
    "wording": "Name my group.",
    "kept_at": "Folder 12",
}


def test_staff_put_it_on_record_with_the_text_that_was_shown(parts, staff, key):
    who = key()
    shown = plain(staff.get(f"/members/{who}/consent"))
    answer = staff.post(f"/members/{who}/consent", ON_PAPER)
    row = rows_of(parts)[-1]

    assert SAMPLE in shown
    assert shown.count(SENTENCE) == 1  # among the words that can be read out
    assert (answer.status_code, wants(parts, who)) == (302, True)
    assert (row.method, row.purpose, row.wording) == ("paper", "detailed", "Name my group.")
    assert json.loads(row.proof)["sample"].splitlines()[0] == SAMPLE
    assert "name group and place" not in shown
    assert "reminders by text name the group and the place" in staff.get(f"/members/{who}").text


def test_a_mail_is_never_put_on_record_with_it(parts, staff, key):
    who = key(email="anna@example.org", choice=Choice.BOTH)
    staff.post(f"/members/{who}/consent", {**ON_PAPER, "channel_email": "1", "purpose_checkin": "1"})

    assert [row.channel for row in rows_of(parts) if row.purpose is Purpose.DETAILED] == [Channel.SMS]


@pytest.mark.parametrize("change", [{"channel_sms": "", "channel_email": "1"}, {"place": ""}, {"agrees": ()}])
def test_what_cannot_be_is_an_error_at_the_box(parts, staff, key, change):
    with parts.open_db() as db:
        person = builders.member(db, agrees=change.get("agrees", [Purpose.REMINDER]))
        place = builders.group(db, place=change.get("place", "Room 2"))
        builders.session(db, place)
        builders.enrolled(db, place, person)
        who = person.id
    form = {**ON_PAPER, **{name: value for name, value in change.items() if name.startswith("channel")}}
    page = staff.post(f"/members/{who}/consent", form)

    assert page.status_code == 422
    assert 'href="#f-purpose_detailed"' in page.text
    assert 'id="f-purpose_detailed"' in page.text
    assert not wants(parts, who)


def test_staff_take_it_back_on_the_members_word(parts, staff, key):
    who = key()
    staff.post(f"/members/{who}/consent", ON_PAPER)
    answer = staff.post(f"/members/{who}/discreet", {"asked": "On the phone."})
    again = staff.post(f"/members/{who}/discreet", {})

    assert (answer.status_code, again.status_code, wants(parts, who)) == (302, 302, False)
    assert json.loads(rows_of(parts)[-1].proof)["said"] == "On the phone."
    page = staff.post(f"/members/{who}/discreet", {"asked": "x" * 300})
    assert page.status_code == 422


def test_a_facilitator_puts_nothing_on_record_that_names_anothers_group(parts, staff, key):
    who = key()
    with parts.open_db() as db:
        me = db.scalars(select(Staff)).one()
        me.role = "facilitator"
        db.scalars(select(Group)).one().facilitator_id = me.id
        builders.enrolled(db, builders.group(db, "Loss", outside_name="Another circle"), db.get_one(Member, who))
    page = staff.get(f"/members/{who}/consent").text
    token = TOKEN.search(page)[1]

    assert "Another circle" not in page
    assert "a group that is not yours" in page
    answer = staff.client.post(f"/members/{who}/consent", data={**ON_PAPER, "csrf_token": token})
    assert (answer.status_code, wants(parts, who)) == (422, False)
