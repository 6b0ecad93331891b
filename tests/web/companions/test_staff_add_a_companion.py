"""People reached for a member: added, asked, changed and removed by staff."""

import pytest
from sqlalchemy import select

from service.flows import links
from service.models import Delivery, Invitation, Member
from service.rules.consent import Companion, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests.builders import on_sqlite
from tests.web.companions.conftest import THEIRS
from tests.web.made_groups import has_error_at

FORM = {
    "reached_as": "guardian",
    "name": "Maria Holt",
    "mobile": "212-555-0177",
    "channel": "sms",
    "language": "es",
    "reached_note": "Her mother, on the phone, Jan 4",
}


def add(staff, made, **changes):
    return staff.post(f"/members/{made.member}/reached", {**FORM, **changes})


def added(parts):
    with parts.read_db() as db:
        return db.scalars(select(Member).where(Member.reached_for_id.is_not(None))).one()


@on_sqlite
def test_nobody_is_reached_for_a_member_at_first_and_the_page_says_how(staff, made):
    page = staff.get(f"/members/{made.member}").text

    assert "People reached for them" in page
    assert "A guardian, a carer or an interpreter can be told" in page
    assert f'href="/members/{made.member}/reached"' in page


@on_sqlite
def test_who_is_added_is_on_the_members_page_and_gets_nothing_before_they_agreed(parts, staff, made):
    answer = add(staff, made)
    page, one = staff.get(f"/members/{made.member}").text, added(parts)

    assert (answer.status_code, answer.location) == (302, f"/members/{made.member}")
    assert (one.reached_for_id, one.reached_as, one.language) == (made.member, Companion.GUARDIAN, "es")
    assert one.reached_note == FORM["reached_note"]
    assert all(words in page for words in ("Maria Holt", "Guardian", "Not invited yet", "Invite Maria Holt"))
    with parts.read_db() as db:
        assert db.scalars(select(Delivery).where(Delivery.member_id == one.id)).all() == []


@on_sqlite
def test_they_are_invited_once_and_for_reminders_alone(parts, staff, made):
    add(staff, made)
    one = added(parts)
    staff.post(f"/members/{one.id}/invite")
    again = staff.post(f"/members/{one.id}/invite")

    with parts.read_db() as db:
        assert db.scalars(select(Invitation)).one().purposes == [Purpose.REMINDER]
        assert db.scalars(select(Delivery).where(Delivery.member_id == one.id)).one().kind is Kind.INVITATION
    page = staff.get(again.location).text
    assert "They cannot be asked by text" in page
    assert "Invite Maria Holt" not in page


@on_sqlite
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reached_as", ""),
        ("reached_as", "friend"),
        ("name", ""),
        ("mobile", "12"),
        ("mobile", ""),
        ("email", "nonsense"),
        ("channel", "pigeon"),
        ("language", "fr"),
        ("time_zone", "Mars/Base"),
        ("reached_note", ""),
        ("reached_note", "\x07"),
        ("reached_note", "x" * 300),
    ],
)
def test_what_cannot_be_read_is_an_error_at_its_field(parts, staff, made, field, value):
    page = add(staff, made, **{field: value})

    assert (page.status_code, has_error_at(page, field)) == (422, True)
    with parts.read_db() as db:
        assert len(db.scalars(select(Member)).all()) == 1


@on_sqlite
def test_a_number_that_somebody_has_already_needs_both_to_know(parts, staff, made):
    with parts.read_db() as db:
        mobile = db.get_one(Member, made.member).mobile
    refused, taken = add(staff, made, mobile=mobile), add(staff, made, mobile=mobile, shares_phone="1")

    assert (has_error_at(refused, "mobile"), taken.status_code) == (True, 302)
    with parts.read_db() as db:
        assert [row.shares_phone for row in db.scalars(select(Member))] == [True, True]


@on_sqlite
def test_nobody_is_reached_for_somebody_who_is_reached_for_another(staff, guardian):
    assert staff.get(f"/members/{guardian}/reached").status_code == 404
    assert staff.post(f"/members/{guardian}/reached", FORM).status_code == 404


@on_sqlite
def test_what_they_are_and_who_agreed_can_be_changed(parts, staff, guardian):
    form = {"name": "Maria Holt", "mobile": THEIRS, "channel": "sms", "language": "en", "may_text": "1"}
    wrong = staff.post(f"/members/{guardian}/contact", {**form, "reached_as": "carer", "reached_note": ""})
    taken = staff.post(f"/members/{guardian}/contact", {**form, "reached_as": "carer", "reached_note": "Anna"})
    one = added(parts)

    assert (has_error_at(wrong, "reached_note"), taken.status_code) == (True, 302)
    assert (one.reached_as, one.reached_note, one.adult_on) == (Companion.CARER, "Anna", None)


@on_sqlite
def test_their_consent_is_for_reminders_alone(parts, staff, made):
    add(staff, made)
    one = added(parts)
    page = staff.get(f"/members/{one.id}/consent").text
    form = {"purpose_checkin": "1", "channel_sms": "1", "method": "voice", "consent_on": "2027-01-04", "wording": "Yes"}
    refused = staff.post(f"/members/{one.id}/consent", form)
    taken = staff.post(f"/members/{one.id}/consent", {**form, "purpose_reminder": "1"})
    with parts.open_db() as db:
        token = links.new_link(db, "opt_in", None, member_id=one.id)
    asked = staff.get(f"/opt-in/{token}").text

    assert "purpose_checkin" not in page + asked
    assert "purpose_reminder" in page
    assert "purpose_reminder" in asked
    assert (refused.status_code, taken.status_code) == (422, 302)
    with parts.read_db() as db:
        assert {row.kind for row in db.scalars(select(Delivery).where(Delivery.member_id == one.id))} == {Kind.REMINDER}


@on_sqlite
def test_removing_them_says_what_it_does_and_leads_back_to_the_member(parts, staff, made, guardian):
    page = staff.get(f"/members/{guardian}/erase").text
    answer = staff.post(f"/members/{guardian}/erase", {"sure": "1"})

    assert "1 waiting message is taken back" in page
    assert "nothing of it changes" in page
    assert answer.location == f"/members/{made.member}"
    with parts.read_db() as db:
        assert db.get_one(Delivery, made.delivery).state is State.SCHEDULED
    assert "Maria Holt" not in staff.get(answer.location).text
