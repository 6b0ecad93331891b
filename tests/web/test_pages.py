"""What staff do on the pages: each form's errors at its fields, nothing half-written, and what it changes."""

import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.flows import enrol, schedule
from service.flows.alert import raise_flag
from service.models import (
    Attendance,
    Delivery,
    Enrolment,
    Flag,
    Group,
    GroupSession,
    Invitation,
    Member,
    Practice,
    Reply,
    Rule,
)
from service.models.groups import Answer, Came, SessionState
from service.rules.consent import Channel
from service.rules.distress import Category, Finding, Level
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GROUP = {
    "group": "Thursday grief group",
    "outside_name": "Thursday group",
    "starts_on": "2027-01-07",
    "time": "18:30",
    "minutes": "90",
    "repeats": "1",
    "ends": "count",
    "count": "8",
    "time_zone": "America/New_York",
    "capacity": "10",
}
SEEN = re.compile(r'name="seen"[^>]* value="([^"]*)"')
THREE = "Ana Diaz, 202-555-0143, ana@example.org\nBen Cole, 2025550144\nCleo Park, (202) 555-0145"


def count(parts, model):
    with parts.read_db() as db:
        return db.scalars(select(func.count()).select_from(model)).one()


def seen(staff, form):
    return {**form, "seen": SEEN.search(staff.post("/groups/preview", form).text)[1], "action": "create"}


def made_group(parts, *members):
    """A group with its default rules that meets on Thursdays, and these members of it, who agreed to everything."""
    with parts.open_db() as db:
        group = schedule.add_group(db, builders.about(), builders.weekly(count=4), NOW)
        for name in members:
            who = builders.member(db, name)
            enrol.join(db, group, who, builders.TODAY, NOW)
        return group.id


def first_session(parts, group_id):
    with parts.read_db() as db:
        return db.scalars(GroupSession.next_after(group_id, NOW)).first().id


def waiting(parts, kind=None):
    with parts.read_db() as db:
        query = select(Delivery).where(Delivery.state == State.SCHEDULED)
        return [row for row in db.scalars(query) if kind in (None, row.kind)]


def has_error_at(page, name):
    return f'href="#f-{name}"' in page.text and f'id="f-{name}-error"' in page.text


# a new group


def test_the_dates_are_shown_before_anything_is_saved(parts, staff):
    page = staff.post("/groups/new", {**GROUP, "action": "create"})

    assert page.status_code == 200
    assert "Thu Jan 7" in page.text or "Thu 7 Jan" in page.text
    assert count(parts, Group) == 0


def test_a_group_is_made_with_the_dates_that_were_shown(parts, staff):
    answer = staff.post("/groups/new", seen(staff, GROUP))

    assert answer.status_code == 302
    assert answer.location.endswith("/members")
    assert (count(parts, Group), count(parts, GroupSession)) == (1, 8)


def test_other_dates_than_those_shown_are_shown_again(parts, staff):
    form = seen(staff, GROUP)

    assert staff.post("/groups/new", {**form, "starts_on": "2027-01-14"}).status_code == 200
    assert count(parts, Group) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("group", ""),
        ("group", "x" * 81),
        ("outside_name", "x" * 41),
        ("starts_on", ""),
        ("starts_on", "01/07/2027"),
        ("starts_on", "2027-02-30"),
        ("starts_on", "2040-01-01"),
        ("time", "25:00"),
        ("minutes", "0"),
        ("minutes", "ninety"),
        ("repeats", "0"),
        ("count", "0"),
        ("count", "105"),
        ("count", ""),
        ("count", "-1"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "EST"),
        ("capacity", "0"),
        ("link", "javascript:alert(1)"),
        ("skip", "christmas"),
    ],
)
def test_what_is_wrong_with_a_group_stands_at_its_field_and_the_rest_stays(parts, staff, field, value):
    page = staff.post("/groups/new", {**GROUP, field: value, "action": "create"})

    assert page.status_code == 422
    assert has_error_at(page, field)
    assert GROUP["outside_name"] in page.text or field == "outside_name"
    assert count(parts, Group) == 0


@pytest.mark.parametrize(("day", "time", "why"), [("2027-03-14", "02:30", "forward"), ("2027-11-07", "01:30", "back")])
def test_an_hour_that_the_clocks_skip_or_repeat_is_refused(staff, day, time, why):
    page = staff.post("/groups/new", {**GROUP, "starts_on": day, "time": time, "action": "create"})

    assert page.status_code == 422
    assert has_error_at(page, "time")
    assert f"the clocks go {why}" in page.text


def test_a_series_until_a_date_holds_at_most_104_sessions(staff):
    page = staff.post("/groups/new", {**GROUP, "ends": "until", "until": "2031-01-01", "action": "create"})

    assert has_error_at(page, "until")


def test_two_groups_do_not_have_one_name(parts, staff):
    made_group(parts)
    page = staff.post("/groups/new", {**GROUP, "group": " THURSDAY grief group", "action": "create"})

    assert (page.status_code, has_error_at(page, "group")) == (422, True)


# members


def add(staff, group_id, text="", **form):
    return staff.post(f"/groups/{group_id}/members", {"pasted": text, **form})


def test_pasted_lines_become_members(parts, staff):
    group = made_group(parts)

    assert add(staff, group, THREE).status_code == 302
    assert (count(parts, Member), count(parts, Enrolment)) == (3, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Cleo Park, not a number", "mobile"),
        (", 202-555-0145", "name"),
        ("Cleo Park, 202-555-0145, nonsense", "email"),
        ("Cleo Park", "Line 3"),
        ("Ana Twin, 202-555-0143", "Line 3"),
        ("a,b,c,d,e,f", "Line 3"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(parts, staff, line, says):
    group = made_group(parts)
    page = add(staff, group, f"Ana Diaz, 202-555-0143\nBen Cole, 2025550144\n{line}")

    assert page.status_code == 422
    assert "Line 3" in page.text
    assert says in page.text
    assert "Ben Cole, 2025550144" in page.text, "what was pasted stays"
    assert count(parts, Member) == 0


def test_the_good_lines_are_kept_on_request_and_the_bad_ones_stay(parts, staff):
    group = made_group(parts)
    page = add(staff, group, "Ana Diaz, 202-555-0143\nCleo Park, not a number", keep_good="1")

    assert count(parts, Member) == 1
    assert "Cleo Park, not a number" in page.text
    assert "Ana Diaz, 202-555-0143" not in page.text


def test_what_is_left_is_numbered_as_it_stands_and_looked_at_beside_who_was_just_added(parts, staff):
    group = made_group(parts)
    lines = "Ana Diaz, 202-555-0143\nBen Cole, 2025550144\nCleo Park, 12\nDee Ito, 202-555-0143"
    page = add(staff, group, lines, keep_good="1")

    assert "Line 1, mobile: Short and emergency numbers" in page.text
    assert "Line 2, name: A member has the same number" in page.text
    assert not any(stale in page.text for stale in ("Line 3", "Line 4", "Line 1 has the same number"))


@pytest.mark.parametrize(
    ("line", "mobile", "email"),
    [
        ("Ana Diaz 202-555-0143", "+12025550143", ""),
        ("Ana Diaz (202) 555 0143", "+12025550143", ""),
        ("Ana Diaz +44 7911 123456", "+447911123456", ""),
        ("Ana Diaz ana@example.org", "", "ana@example.org"),
        ("Ana Diaz 202.555.0143 ana@example.org", "+12025550143", "ana@example.org"),
    ],
)
def test_a_line_without_commas_is_read_as_it_is_meant(parts, staff, line, mobile, email):
    assert add(staff, made_group(parts), line).status_code == 302
    with parts.read_db() as db:
        who = db.scalars(select(Member)).one()
        assert (who.name, who.mobile, who.email) == ("Ana Diaz", mobile, email)


@pytest.mark.parametrize("text", ["", "   \n \n"])
def test_nothing_pasted_is_said_so(parts, staff, text):
    page = add(staff, made_group(parts), text)

    assert page.status_code == 422
    assert "Paste at least one line" in page.text


def test_a_file_becomes_members(parts, staff):
    group = made_group(parts)
    data = io.BytesIO("\ufeffname;mobile;email\nZoë Müller;+44 7911 123456;\n".encode())
    answer = add(staff, group, file=(data, "members.csv"))

    assert answer.status_code == 302
    with parts.read_db() as db:
        assert db.scalars(select(Member)).one().name == "Zoë Müller"


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01\x02", b"\xff\xfe\x00", b"name,mobile,shoe_size\nA,1,2\n", b"name\n" + b"x\n" * 10_001]
)
def test_a_file_that_is_no_list_of_members_is_refused_in_words(parts, staff, data):
    page = add(staff, made_group(parts), file=(io.BytesIO(data), "members.csv"))

    assert page.status_code == 422
    assert "to mend" in page.text
    assert count(parts, Member) == 0


def test_members_are_invited_once_with_the_purposes_they_asked_for(parts, staff):
    group = made_group(parts)
    add(staff, group, THREE)
    for _ in range(2):
        staff.post(f"/groups/{group}/members/invite", {"purpose_reminder": "1"})

    with parts.read_db() as db:
        assert [row.purposes for row in db.scalars(select(Invitation))] == [["reminder"]] * 3
    assert [row.kind for row in waiting(parts)] == [Kind.INVITATION] * 3


def test_an_invitation_to_nothing_is_an_error(parts, staff):
    group = made_group(parts)
    add(staff, group, THREE)
    page = staff.post(f"/groups/{group}/members/invite")

    assert (page.status_code, has_error_at(page, "purpose_reminder")) == (422, True)
    assert count(parts, Invitation) == 0


def enrolment_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Enrolment)).one().id


def test_whoever_leaves_gets_nothing_more(parts, staff):
    group = made_group(parts, "Anna Bell")
    staff.post(f"/groups/{group}/members/{enrolment_of(parts)}/leave")

    assert waiting(parts) == []


def test_whoever_is_away_gets_nothing_until_they_are_back(parts, staff):
    group = made_group(parts, "Anna Bell")
    before = len(waiting(parts))
    path = f"/groups/{group}/members/{enrolment_of(parts)}/away"
    staff.post(path, {"until": "2027-01-16"})
    during = len(waiting(parts))
    staff.post(path, {"until": ""})

    assert during < before == len(waiting(parts))


@pytest.mark.parametrize("until", ["2026-12-24", "soon", "2027-13-01"])
def test_a_leave_until_no_day_is_an_error_at_its_field(parts, staff, until):
    group, key = made_group(parts, "Anna Bell"), enrolment_of(parts)
    page = staff.post(f"/groups/{group}/members/{key}/away", {"until": until})

    assert (page.status_code, has_error_at(page, f"until_{key}")) == (422, True)


def test_a_member_of_another_group_is_not_found_here(parts, staff):
    made_group(parts, "Anna Bell")
    with parts.open_db() as db:
        other = builders.group(db, "Another group").id

    assert staff.post(f"/groups/{other}/members/{enrolment_of(parts)}/leave").status_code == 404


# messages


def reminders_of(parts):
    with parts.read_db() as db:
        return db.scalars(select(Rule).where(Rule.kind == Kind.REMINDER).order_by(Rule.position)).all()


def test_switching_every_rule_off_takes_every_message_back(parts, staff):
    group = made_group(parts, "Anna Bell")
    staff.post(f"/groups/{group}/messages")

    assert waiting(parts) == []


def test_another_lead_moves_the_messages_and_says_how_many(parts, staff):
    group = made_group(parts, "Anna Bell")
    rule = next(rule for rule in reminders_of(parts) if rule.minutes == 24 * 60)
    before = {row.id: row.due_at for row in waiting(parts, Kind.REMINDER) if row.rule_id == rule.id}
    answer = staff.post(f"/groups/{group}/rules/{rule.id}", {"hours": "48"}, follow_redirects=True)

    after = {row.id: row.due_at for row in waiting(parts, Kind.REMINDER) if row.rule_id == rule.id}
    assert {key: due - timedelta(hours=24) for key, due in before.items()} == after
    told = re.search(r"Saved\. [^<]*", answer.text)[0]
    assert told == f"Saved. {len(before)} messages moved."


@pytest.mark.parametrize("hours", ["", "0", "337", "-5", "soon", "1e3", "24.5", "²"])
def test_a_lead_of_no_hours_is_an_error_at_its_field(parts, staff, hours):
    group, rule = made_group(parts), reminders_of(parts)[0]
    page = staff.post(f"/groups/{group}/rules/{rule.id}", {"hours": hours})

    assert (page.status_code, has_error_at(page, f"hours_{rule.id}")) == (422, True)
    assert reminders_of(parts)[0].minutes == rule.minutes


# sessions


def test_a_move_shows_who_is_told_and_changes_nothing_until_it_is_confirmed(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell", "Ben Cole"))
    before = [(row.id, row.due_at, row.state) for row in waiting(parts)]
    page = staff.post(f"/sessions/{session}/move", {"on": "2027-01-08", "at": "18:30"})

    assert page.status_code == 200
    assert re.search(r"By text</dt><dd>\s*2", page.text)
    assert [(row.id, row.due_at, row.state) for row in waiting(parts)] == before


def test_a_confirmed_move_moves_the_session_and_tells_each_member_once(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell", "Ben Cole"))
    for _ in range(2):
        staff.post(f"/sessions/{session}/move", {"on": "2027-01-08", "at": "18:30", "confirmed": "1"})

    with parts.read_db() as db:
        assert db.get_one(GroupSession, session).starts_at == builders.THURSDAY + timedelta(days=1)
    assert len(waiting(parts, Kind.MOVED)) == 2


@pytest.mark.parametrize(
    ("on", "at", "field"),
    [
        ("", "18:30", "on"),
        ("2026-12-01", "18:30", "on"),
        ("2039-01-01", "18:30", "on"),
        ("2027-01-08", "25:00", "at"),
        ("2027-03-14", "02:30", "at"),
        ("2027-11-07", "01:30", "at"),
        ("2027-01-07", "18:30", "at"),
    ],
)
def test_a_move_to_no_time_is_an_error_at_its_field(parts, staff, on, at, field):
    session = first_session(parts, made_group(parts))
    page = staff.post(f"/sessions/{session}/move", {"on": on, "at": at, "confirmed": "1"})

    assert (page.status_code, has_error_at(page, field)) == (422, True)


def test_a_cancellation_shows_who_is_told_and_changes_nothing_until_it_is_confirmed(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    page = staff.post(f"/sessions/{session}/cancel")

    assert "Who will be told" in page.text
    with parts.read_db() as db:
        assert db.get_one(GroupSession, session).state is SessionState.PLANNED


def test_a_confirmed_cancellation_is_told_once(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    for _ in range(2):
        staff.post(f"/sessions/{session}/cancel", {"confirmed": "1"})

    assert len(waiting(parts, Kind.CANCELLED)) == 1
    with parts.read_db() as db:
        assert db.get_one(GroupSession, session).is_cancelled


def test_staff_note_an_answer_and_take_it_back(parts, staff):
    session = first_session(parts, made_group(parts, "Anna Bell"))
    with parts.read_db() as db:
        who = db.scalars(select(Member)).one().id
    said = []
    for answer in ("cannot", "coming", ""):
        staff.post(f"/sessions/{session}/answers", {"member": str(who), "answer": answer})
        with parts.read_db() as db:
            said.append(db.scalars(select(Attendance)).one().answer)

    assert said == [Answer.CANNOT, Answer.COMING, None]


def test_an_answer_of_somebody_who_is_not_expected_is_not_found(parts, staff):
    session = first_session(parts, made_group(parts))
    with parts.open_db() as db:
        stranger = builders.member(db).id

    assert staff.post(f"/sessions/{session}/answers", {"member": str(stranger), "answer": "coming"}).status_code == 404


def test_unknown_is_never_noted_as_absent(parts, staff, clock):
    session = first_session(parts, made_group(parts, "Anna Bell", "Ben Cole"))
    clock.go(days=4)
    with parts.read_db() as db:
        first, _ = db.scalars(select(Member).order_by(Member.created_at, Member.id)).all()
    staff.post(f"/sessions/{session}/presence", {f"came_{first.id}": "late"})

    with parts.read_db() as db:
        assert {row.member_id: row.came for row in db.scalars(select(Attendance)) if row.came} == {first.id: Came.LATE}


# replies, log, settings


def a_reply(parts, distress=None, at=NOW):
    with parts.open_db() as db:
        row = Reply(
            provider_id=f"SM{at}{distress}",
            channel=Channel.SMS,
            address_index=b"x",
            address="+12125550100",
            text=f"words at {at:%H:%M}",
            received_at=at,
            meaning="words",
            distress=distress,
        )
        db.add(row)
        db.flush()
        if distress:
            raise_flag(db, row, Finding(Level.CRISIS, Category(distress), "a pattern"), at)
        return row.id


def test_a_reply_is_handled_and_kept_unread_again(parts, staff):
    key = a_reply(parts)
    staff.post(f"/replies/{key}/handled")
    handled = "words at" in staff.get("/replies").text
    staff.post(f"/replies/{key}/handled", {"keep": "1"})

    assert (handled, "words at" in staff.get("/replies").text) == (False, True)


def test_distress_stands_red_on_the_home_page_though_sixty_replies_came_since(parts, staff):
    a_reply(parts, "self_harm", NOW - timedelta(hours=9))
    for minute in range(60):
        a_reply(parts, at=NOW - timedelta(minutes=minute))

    assert "A message needs a person now" in staff.get("/").text
    assert f"words at {NOW - timedelta(hours=9):%H:%M}" in staff.get("/replies").text


def test_a_mail_from_nobody_we_know_is_not_called_a_number(parts, staff):
    key = a_reply(parts)
    with parts.open_db() as db:
        db.get_one(Reply, key).channel = Channel.EMAIL

    assert "Unknown address" in staff.get("/replies").text


def test_distress_stays_red_until_what_was_done_is_on_record(parts, staff):
    key = a_reply(parts, "self_harm")
    staff.post(f"/replies/{key}/handled", {"back": "/"})
    was_red = "needs a person now" in staff.get("/").text
    with parts.read_db() as db:
        flag = db.scalars(select(Flag.id)).one()
    staff.post(f"/flags/{flag}/close", {"outcome": "called", "record": "I called her.", "waits": "72"})

    assert (was_red, "needs a person now" in staff.get("/").text) == (True, False)


@pytest.mark.parametrize("path", ["/log", "/replies"])
@pytest.mark.parametrize("show", ["all", "waiting", "nonsense"])
def test_whatever_page_is_asked_for_is_a_page(parts, staff, path, show):
    pages = ("1", "2", "0", "-1", "nonsense", "99999999999999999999")

    assert {staff.get(f"{path}?show={show}&page={page}").status_code for page in pages} == {200}


def test_the_log_shows_each_message_on_one_page(parts, staff):
    with parts.open_db() as db:
        who = builders.member(db)
        about = builders.session(db, builders.group(db))
        for number in range(120):
            builders.delivery(db, who, about, state=State.DELIVERED, due_at=NOW - timedelta(minutes=number), attempts=1)
    shown = [staff.get(f"/log?show=delivered&page={page}").text.count('role="rowheader"') for page in (1, 2, 3, 4)]

    assert shown == [50, 50, 20, 0]


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        (State.UNDELIVERED, "code 30003", "Not delivered: The phone was off or out of reach. (code 30003)"),
        (State.DEAD, "Twilio 21612", "This number cannot be reached by text. (Twilio 21612)"),
        (State.UNDELIVERED, "code 39999", "Not delivered: code 39999"),
    ],
)
def test_the_log_says_a_providers_code_in_words(parts, staff, state, reason, shown):
    with parts.open_db() as db:
        about = builders.session(db, builders.group(db))
        builders.delivery(db, builders.member(db), about, state=state, reason=reason, attempts=1)

    assert shown in staff.get("/log?show=failed").text


SETTINGS = {
    "name": "Oak Street Practice",
    "sender_label": "Oak St Office",
    "phone": "212-555-0199",
    "postal_address": "1 Oak Street",
    "reading_hours": "Mon-Fri 9-5",
    "country": "US",
    "time_zone": "America/New_York",
    "opens": "09:00",
    "closes": "20:00",
}


def test_narrower_hours_move_what_waits(parts, staff):
    made_group(parts, "Anna Bell")
    staff.post("/settings", {**SETTINGS, "opens": "12:00", "closes": "14:00"})

    assert {12 <= row.next_at.astimezone(builders.NEW_YORK).hour <= 14 for row in waiting(parts)} == {True}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("sender_label", ""),
        ("sender_label", "seventeen letters"),
        ("sender_label", "Oak Trauma"),
        ("sender_label", "Oak Office 🙂"),
        ("phone", ""),
        ("reading_hours", "x" * 17),
        ("reading_hours", "weekdays"),
        ("country", "XX"),
        ("time_zone", "nowhere"),
        ("opens", "07:00"),
        ("opens", "20:30"),
        ("opens", "nine"),
        ("closes", "22:00"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_and_changes_nothing(parts, staff, field, value):
    page = staff.post("/settings", {**SETTINGS, field: value})

    assert page.status_code == 422
    assert has_error_at(page, field) or (field == "closes" and has_error_at(page, "opens"))
    with parts.read_db() as db:
        assert db.scalars(select(Practice)).one().name == "Oak Street Practice"
