"""The log: six plain words, filters that are an address, and a file that a sheet opens as text."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.models import AuditEntry
from service.rules.consent import Channel
from service.rules.kinds import Kind
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.listening import heard

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SIX = ("Waiting", "Held until", "Sent", "Delivered", "Not delivered", "Not sent")


@pytest.fixture
def told(parts):
    """A delivery of every state, and one that is held."""
    with parts.open_db() as db:
        group = builders.group(db)
        about = builders.session(db, group)
        who = builders.member(db, "=HYPERLINK(1)")
        builders.enrolled(db, group, who)
        for state in State:
            builders.delivery(db, who, about, state=state, attempts=1, reason="cap")
        builders.delivery(db, who, about, Kind.CHECKIN, channel=Channel.EMAIL, next_at=NOW + timedelta(hours=2))
        other = builders.group(db, "Another group")
        return {"group": group.id, "member": who.id, "other": other.id}


def rows(page):
    return page.count('role="rowheader"')


def test_every_state_is_said_in_one_of_six_words(staff, told):
    page = staff.get("/log").text
    tags = [part.split("</span>")[0].split(">")[-1] for part in page.split('<span class="tag')[1:]]
    fates = [tag for tag in tags if tag != "Practice mode" and not tag.startswith("<")]

    assert len(State) + 1 == rows(page)
    assert [fate for fate in fates if not fate.startswith(SIX)] == []


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("show=waiting", 1),
        ("show=held", 1),
        ("show=sent", 4),
        ("show=delivered", 1),
        ("show=failed", 3),
        ("show=not_sent", 3),
        ("kind=checkin", 1),
        ("channel=email", 1),
        ("since=2027-01-05", 0),
        ("until=2027-01-03", 0),
        ("since=2027-01-04&until=2027-01-04", 13),
        ("show=held&since=2027-01-04&until=2027-01-04", 1),
        ("kind=nonsense&channel=nonsense&group=nonsense&member=nonsense", 13),
    ],
)
def test_each_filter_leaves_what_fits_it(staff, told, asked, there):
    assert rows(staff.get(f"/log?{asked}").text) == there


def test_the_log_can_be_narrowed_down_to_a_group_and_a_member(staff, told):
    assert rows(staff.get(f"/log?group={told['group']}&member={told['member']}").text) == len(State) + 1
    assert "No message fits these filters" in staff.get(f"/log?group={told['other']}").text


def test_a_date_that_cannot_be_read_is_said_at_its_field(staff, told):
    answer = staff.get("/log?since=31-12-2027")

    assert answer.status_code == 422
    assert "31-12-2027 is not a date" in answer.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_date_there_is_are_refused_at_their_field(staff, told, day):
    page = staff.get(f"/log?since={day}&until={day}")

    assert page.status_code == 422
    assert "Choose a year from 1900 to 2199." in page.text


def test_the_file_holds_the_rows_on_the_screen_and_no_formula(parts, staff, told):
    answer = staff.post("/log/csv", {"show": "delivered"})
    lines = list(csv.reader(io.StringIO(answer.text)))

    assert answer.headers["Content-Disposition"] == 'attachment; filename="log.csv"'
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff"), "Excel would read names with accents wrongly"
    assert lines[1][3:] == ["'=HYPERLINK(1)", "Reminder", "Text", "Delivered"]
    assert len(lines) == 2
    assert [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    with parts.read_db() as db:
        kept = db.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()[-1]
        assert (kept.action, kept.details) == ("log exported", {"rows": 1})


def test_the_log_asks_the_database_no_more_with_more_rows(parts, staff, told):
    asked = []
    for turn in range(2):
        with heard(parts.engine) as statements:
            staff.get("/log?show=delivered")
        asked.append(len(statements))
        with parts.open_db() as db:
            for number in range(8):
                group = builders.group(db, f"Group {turn} {number}")
                about = builders.session(db, group)
                builders.delivery(db, builders.member(db, f"Member {number}"), about, state=State.DELIVERED)

    assert asked[0] == asked[1]
