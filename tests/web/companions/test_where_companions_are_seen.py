"""People reached for a member are seen wherever something of theirs is."""

from datetime import timedelta

from sqlalchemy import select

from service.flows import enrol, links
from service.flows.answer import Inbound
from service.flows.receive import receive
from service.models import Attendance, Delivery, Enrolment, Group, Member, Reply
from service.models.practice import Role
from service.rules.consent import Choice, Companion
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW, THURSDAY, local, on_sqlite
from tests.listening import heard
from tests.web.companions.conftest import THEIRS


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
