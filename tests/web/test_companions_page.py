"""People reached for a member: added, asked, changed and removed by staff, and seen wherever something of theirs is."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.flows import enrol, links
from service.flows.answer import Inbound
from service.flows.plan import plan
from service.flows.receive import receive
from service.models import Attendance, Delivery, Enrolment, Group, Invitation, Member, Reply
from service.models.practice import Role
from service.rules.consent import Choice, Companion, Purpose
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, heard, local, on_sqlite
from tests.web.made_groups import has_error_at

THEIRS = "+12125550177"
FORM = {
    "reached_as": "guardian",
    "name": "Maria Holt",
    "mobile": "212-555-0177",
    "channel": "sms",
    "language": "es",
    "reached_note": "Her mother, on the phone, Jan 4",
}


@pytest.fixture
def made(parts):
    with parts.open_db() as db:
        return builders.scene(db)


def add(staff, made, **changes):
    return staff.post(f"/members/{made.member}/reached", {**FORM, **changes})


def added(parts):
    with parts.read_db() as db:
        return db.scalars(select(Member).where(Member.reached_for_id.is_not(None))).one()


@pytest.fixture
def guardian(parts, made):
    """One who agreed."""
    with parts.open_db() as db:
        row = builders.companion(db, db.get_one(Member, made.member))
        plan(db, NOW)
        return row.id


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
def test_their_own_page_says_whose_they_are_and_offers_no_message_to_them(staff, made, guardian):
    page = staff.get(f"/members/{guardian}").text

    assert "Guardian of <a" in page
    assert all(words in page for words in ("gets the schedule, and nothing else", "Her mother, on the phone", "Remove"))
    assert f"/members/{guardian}/message" not in page
    assert "People reached for them" not in page
    assert staff.get(f"/members/{guardian}/message").status_code == 404


@on_sqlite
def test_they_are_no_member_of_the_list_nor_of_the_group(parts, staff, made, guardian):
    paths = ("/members", f"/groups/{made.group}/members", f"/sessions/{made.session}")
    pages = [staff.get(path).text for path in paths]

    assert "1 in all" in pages[0]
    assert [page for page in pages if "Maria Holt" in page] == []


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


@on_sqlite
def test_erasing_and_stopping_the_member_say_whom_they_take_along(staff, made, guardian):
    assert "1 person who is reached for them" in staff.get(f"/members/{made.member}/erase").text
    stopping = staff.get(f"/members/{made.member}/everything").text
    assert "2 waiting messages are taken back" in stopping
    assert "neither to the person reached for them" in stopping


@on_sqlite
def test_the_page_of_a_mail_to_them_asks_for_no_answer(parts, app, made, guardian):
    app.config["WTF_CSRF_ENABLED"] = False
    with parts.open_db() as db:
        row = db.scalars(select(Delivery).where(Delivery.member_id == guardian)).one()
        row.body = "The appointment is today."
        token = links.new_link(db, "message", None, member_id=guardian, delivery_id=row.id)
    browser = app.test_client()
    page, answer = browser.get(f"/me/{token}").text, browser.post(f"/me/{token}", data={"answer": "cannot"})

    assert "The appointment is today." in page
    assert "can't come" not in page
    assert answer.status_code == 422
    with parts.read_db() as db:
        assert db.scalars(select(Attendance)).all() == []


@on_sqlite
def test_what_they_write_stands_in_the_replies_with_whose_they_are(parts, staff, made, guardian):
    with parts.open_db() as db:
        receive(db, Inbound("SM1", THEIRS, "he is ill and cannot come"), NOW)
    page = staff.get("/replies").text
    with parts.open_db() as db:
        enrol.go_away(db, db.scalars(select(Enrolment)).one(), NOW.date(), None, NOW)
    while_away = staff.get("/replies").text

    assert all(words in page for words in ("Guardian of Anna Bell", "he is ill and cannot come"))
    assert f'href="/sessions/{made.session}"' in page
    assert f"/members/{guardian}/message" not in page
    assert (f'href="/sessions/{made.session}"' in while_away, "To Anna Bell" in while_away) == (False, True)


@on_sqlite
def test_the_log_the_queue_and_the_dry_run_say_what_they_are(parts, staff, made, guardian):
    with parts.open_db() as db:
        row = db.scalars(select(Delivery).where(Delivery.member_id == guardian)).one()
        builders.delivery(db, row.member, row.group_session, state=State.DELIVERED, marked_at=NOW)

    assert staff.get("/log").text.count(">Guardian</span>") == 1
    assert staff.get("/queue").text.count(">Guardian</span>") == 1
    assert staff.get("/queue?as_of=2027-01-06T17:59").text.count(">Guardian</span>") == 2


@on_sqlite
def test_of_a_child_whose_guardian_is_told_in_their_stead_there_is_nothing_to_mend(parts, staff, made, guardian):
    with parts.open_db() as db:
        db.get_one(Member, made.member).choice = Choice.NONE
    to_their_guardian = staff.get("/data-quality").text
    with parts.open_db() as db:
        db.get_one(Member, guardian).reached_as = Companion.CARER

    assert "Gets nothing by their own choice" not in to_their_guardian
    assert "Gets nothing by their own choice" in staff.get("/data-quality").text


def test_whoever_leads_the_group_reads_and_sees_them_and_nobody_elses(parts, app, own, other, signed_in):
    with parts.open_db() as db:
        ids = {}
        for number, world in enumerate((own, other)):
            member = db.get_one(Member, world.values["member_id"])
            mobile = f"+1212555017{number}"
            ids[world.name] = builders.companion(db, member, f"Reached-{world.name}", mobile=mobile).id
            receive(db, Inbound(f"SM{number}", mobile, f"spoken-{world.name}"), NOW)
        reply = db.scalars(select(Reply.id).where(Reply.provider_id == "SM1")).one()
    lee = signed_in(Role.FACILITATOR)
    inbox = lee.get("/replies").text

    assert ("spoken-own" in inbox, "spoken-other" in inbox) == (True, False)
    assert [lee.get(f"/members/{ids[name]}").status_code for name in ("own", "other")] == [200, 404]
    assert lee.post(f"/replies/{reply}/handled").status_code == 404
    office = signed_in(Role.COORDINATOR)
    assert "spoken-own" not in office.get(f"/members/{ids['own']}").text


def test_more_of_them_ask_the_database_no_more(parts, staff, made, guardian):
    paths = (f"/members/{made.member}", "/replies", "/log", "/queue", "/data-quality", f"/groups/{made.group}/members")
    asked = []
    for turn in range(2):
        with parts.open_db() as db:
            group = db.get_one(Group, made.group)
            about = builders.session(db, group, THURSDAY + timedelta(days=7 * (turn + 1)))
            for number in range(1 + 6 * turn):
                mobile = f"+1212555{turn}{number:03d}"
                one = builders.companion(db, db.get_one(Member, made.member), f"Carer {turn} {number}", mobile=mobile)
                builders.delivery(db, one, about, next_at=local("2027-01-05 12:00"))
                builders.delivery(db, one, about, state=State.DELIVERED, marked_at=NOW)
                receive(db, Inbound(f"SM{turn}{number}", mobile, "words"), NOW)
        for path in paths:
            staff.get(path)  # that they were read is on record from now on
        with heard(parts.engine) as statements:
            for path in paths:
                staff.get(path)
        asked.append(len(statements))

    assert asked[0] == asked[1]
