"""How long things are kept, and a member who asks to be forgotten: counted first, then done."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from service.models import AuditEntry, Member, Practice, ProviderCopy, Reply, SignIn
from service.rules.lifecycle import State
from service.rules.retention import Periods
from tests import builders
from tests.builders import NOW
from tests.flows.test_trends import wrote

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MONTH = timedelta(days=31)


@pytest.fixture
def member_id(parts):
    """Somebody who wrote three months ago."""
    with parts.open_db() as db:
        who = builders.member(db)
        wrote(db, who, NOW - 3 * MONTH).handled_at = NOW
        return who.id


def periods(parts):
    with parts.read_db() as db:
        return db.scalars(select(Practice)).one().periods


def form(words="12", bodies="30", log="13", **more):
    return {"words": words, "bodies": bodies, "log": log, **more}


def test_what_would_go_is_counted_before_it_is_saved(parts, member_id, staff):
    page = staff.post("/settings/retention", form(words="2")).text
    assert "1 reply older than Nov 4 2026 will be deleted tonight." in page
    assert periods(parts) == Periods(12, 30, 13)

    staff.post("/settings/retention", form(words="2", confirmed="1"))
    assert periods(parts) == Periods(2, 30, 13)
    assert "1 reply older than" in staff.get("/settings/retention").text
    with parts.read_db() as db:
        assert db.scalars(select(Reply)).one()
        entry = db.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
    assert entry.details == {"words": 2, "bodies": 30, "log": 13}


def test_where_nothing_would_go_it_is_saved_at_once(parts, member_id, staff):
    staff.post("/settings/retention", form(words="24", log="24"))

    assert periods(parts) == Periods(24, 30, 24)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (form(words="0"), "Enter a whole number from 1 to 84."),
        (form(words="85"), "Enter a whole number from 1 to 84."),
        (form(bodies="13"), "Enter a whole number from 14 to 365."),
        (form(log="a year"), "Enter a whole number from 1 to 84."),
        (form(words="24"), "Keep the log at least as long as the answers"),
        ({}, "Enter a whole number"),
    ],
)
def test_a_time_that_cannot_be_is_answered_at_its_field(parts, staff, typed, says):
    answer = staff.post("/settings/retention", typed)

    assert (answer.status_code, says in answer.text) == (422, True)
    assert periods(parts) == Periods(12, 30, 13)


def test_erasing_says_what_goes_and_is_asked_for_twice(parts, member_id, staff):
    page = staff.get(f"/members/{member_id}/erase").text
    assert "1 reply and 0 check-in and goal answers." in page
    assert staff.post(f"/members/{member_id}/erase").status_code == 422
    with parts.read_db() as db:
        assert db.get_one(Member, member_id).erased_at is None

    answer = staff.post(f"/members/{member_id}/erase", {"sure": "1"}, follow_redirects=True)
    assert "Only counts are left." in answer.text
    assert "Anna Bell" not in answer.text


def test_whoever_signed_in_a_while_ago_gives_their_password_first(parts, member_id, staff):
    with parts.open_db() as db:
        sign_in = db.scalars(select(SignIn)).one()
        sign_in.proved_at = sign_in.created_at = sign_in.created_at - timedelta(minutes=11)
    for path, form_of in ((f"/members/{member_id}/erase", {"sure": "1"}), ("/settings/retention", form(words="24"))):
        assert staff.post(path, form_of).status_code == 401

    with parts.read_db() as db:
        assert db.get_one(Member, member_id).erased_at is None


def test_of_whoever_was_erased_no_page_is_there(parts, member_id, staff):
    staff.post(f"/members/{member_id}/erase", {"sure": "1"})
    paths = ("", "/contact", "/consent", "/everything", "/message")

    assert {staff.get(f"/members/{member_id}{path}").status_code for path in paths} == {404}
    assert "Erased member" not in staff.get("/members").text


def copy(parts, name, **values):
    with parts.open_db() as db:
        db.add(ProviderCopy(**{"provider_id": name, "since": NOW, "next_at": NOW, "tries": 0, **values}))


def test_the_page_says_what_waits_at_the_text_provider_and_since_when(parts, staff):
    assert "None waits for it now." in staff.get("/settings/retention").text
    copy(parts, "SM1")
    copy(parts, "SM2", since=NOW - timedelta(hours=3))
    page = staff.get("/settings/retention").text

    assert "2 texts wait</b> for it, since Mon Jan 4, 7:00 AM." in page
    assert "Not done for more than a day" not in page
    assert "SendGrid keeps no words of mails that could be removed" in page


def test_what_has_failed_for_a_day_is_said_on_the_page_and_on_the_first_one(parts, staff):
    copy(parts, "SM1", since=NOW - timedelta(days=3), failing_since=NOW - timedelta(days=2), trouble="Twilio 20003")

    assert "1 text: Twilio 20003." in staff.get("/settings/retention").text
    assert "Words that are gone here are still at the text provider" in staff.get("/").text


def test_the_receipt_says_also_at_the_text_provider_once_it_is_so(parts, member_id, staff):
    with parts.open_db() as db:
        sent = builders.delivery(db, db.get_one(Member, member_id), state=State.DELIVERED, provider_id="SM1")
        sent.body = "See you"
    staff.post(f"/members/{member_id}/erase", {"sure": "1"})
    receipt = staff.get(f"/members/{member_id}/erase").text
    assert "Not yet: the words of 2 texts at the text provider." in receipt
    assert "also at the text provider" not in receipt
    assert "2 left at Twilio" in staff.get("/settings/retention").text

    with parts.open_db() as db:
        db.execute(delete(ProviderCopy))
    receipt = staff.get(f"/members/{member_id}/erase").text
    assert "The words of texts to and from them, also at the text provider." in receipt
    assert "Gone at Twilio too" in staff.get("/settings/retention").text


def test_an_administrator_erases_also_what_they_may_not_read(parts, member_id, staff):
    with parts.open_db() as db:
        group = builders.group(db)
        group.facilitator_id = builders.staff(db, "ada@oak.example.org").id
        builders.enrolled(db, group, db.get_one(Member, member_id))
    staff.post(f"/members/{member_id}/erase", {"sure": "1"})

    with parts.read_db() as db:
        assert db.scalars(select(Reply)).all() == []
