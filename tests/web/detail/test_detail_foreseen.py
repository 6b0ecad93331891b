"""The queue, the dry run and the other previews say which texts will name the group."""

import pytest
from sqlalchemy import select

from service.models import Group, Member
from service.rules.consent import Purpose
from tests import builders
from tests.builders import NOW
from tests.web.detail.conftest import SAMPLE, plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def chosen(parts, key):
    with parts.open_db() as db:
        builders.agree(db, db.get_one(Member, key), [Purpose.DETAILED])


def test_the_queue_says_what_will_really_go(parts, staff, key):
    who = key()
    before = plain(staff.get("/queue"))
    chosen(parts, who)

    assert "Reminder of your appointment Thu Jan 7" in before
    assert SAMPLE in plain(staff.get("/queue"))


def test_the_dry_run_says_whose_texts_name_the_group(parts, staff, key):
    who = key()
    path = "/queue?as_of=2027-01-06T17:00"
    before = staff.get(path).text
    chosen(parts, who)

    assert "names group and place" not in before
    assert "names group and place" in staff.get(path).text


def test_a_week_can_be_tried_in_both_wordings(parts, staff, key):
    key()
    with parts.read_db() as db:
        path = f"/groups/{db.scalars(select(Group)).one().id}/week"

    assert "Room 2. Reply C" not in staff.get(path).text
    assert SAMPLE in plain(staff.get(f"{path}?words=detailed"))
    with parts.open_db() as db:
        db.scalars(select(Group)).one().place = ""
    page = plain(staff.get(f"{path}?words=detailed"))
    assert "The group has no place to be named." in page
    assert "Reminder of your appointment" in page


def test_a_group_that_is_called_otherwise_says_for_how_many_it_ends(parts, staff, key):
    chosen(parts, key())
    with parts.read_db() as db:
        group = db.scalars(select(Group)).one().id
    about = {"group": "Loss", "outside_name": "Thursdays", "place": "Room 2", "link": "", "capacity": "8"}
    page = staff.post(f"/groups/{group}/about", about, follow_redirects=True)

    assert "1 member chose texts that name the group." in page.text


def test_no_file_says_that_somebody_saw_their_text(parts):
    from service.rules.member_rows import read_member

    given = {"name": "Anna", "mobile": "202-555-0111", "consent_purposes": "reminder detailed"}
    given |= {"consent_method": "paper", "consent_at": "2027-01-02", "consent_by": "Lee", "consent_wording": "Yes."}

    assert "detailed" in read_member(given, "US", NOW)[1]["consent_purposes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{sender}: {group}, {day} {time}, {place}. C or X. STOP to end.", ""),
        ("{sender}: therapy {group}, {day} {time}. STOP", "“therapy” tells"),
        ("{sender}: {group}, {day} {time}, {place}. STOP" + " and so on" * 10, "more than 1 part."),
    ],
)
def test_staff_put_it_into_their_own_words(parts, staff, key, words, said):
    page = staff.post("/templates/reminder_detailed", {"words": words, "action": "save"})

    assert page.status_code == (422 if said else 302)
    assert said in page.text
    assert staff.get("/templates/reminder_detailed?medium=page").status_code == 404


def test_only_those_who_chose_it_are_counted_as_waiting_for_it(parts, staff, key):
    who = key()
    before = staff.get("/templates/reminder_detailed").text
    chosen(parts, who)

    assert "0 people have this message coming" in before
    assert "1 person has this message coming" in staff.get("/templates/reminder_detailed").text
