"""What is amiss with numbers, addresses and consents is found, said, and led to its mend."""

from datetime import timedelta

import pytest

from service.rules.consent import Channel, Choice
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.listening import heard

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def place(parts):
    with parts.open_db() as db:
        return builders.group(db).id


def belongs(parts, place, **of_member):
    with parts.open_db() as db:
        who = builders.member(db, **of_member)
        builders.enrolled(db, db.get_one(builders.Group, place), who)
        return who.id


def test_with_nothing_amiss_everybody_can_be_reached(parts, staff, place):
    belongs(parts, place)

    assert "Nothing to mend" in staff.get("/data-quality").text


@pytest.mark.parametrize(
    ("of_member", "said"),
    [
        ({"choice": Choice.BOTH}, "No email address, though they chose it"),
        ({"mobile": "", "email": "a@example.org", "choice": Choice.BOTH}, "No mobile number, though they chose it"),
        ({"choice": Choice.NONE}, "Gets nothing by their own choice"),
        ({"agrees": []}, "Was never asked"),
    ],
)
def test_what_is_missing_is_said(parts, staff, place, of_member, said):
    who = belongs(parts, place, **of_member)
    page = staff.get("/data-quality").text

    assert said in page
    assert f"/members/{who}" in page or f"/groups/{place}/members" in page


@pytest.mark.parametrize("channel", list(Channel))
def test_what_did_not_arrive_is_said_until_something_does(parts, staff, place, channel):
    key = belongs(parts, place, email="a@example.org", choice=Choice.BOTH)
    with parts.open_db() as db:
        who = db.get_one(builders.Member, key)
        builders.delivery(db, who, state=State.UNDELIVERED, reason="code 30003", channel=channel)

    assert "The phone was off or out of reach." in staff.get("/data-quality").text
    with parts.open_db() as db:
        who = db.get_one(builders.Member, key)
        builders.delivery(db, who, state=State.DELIVERED, channel=channel, due_at=NOW + timedelta(hours=1))
    assert "Nothing to mend" in staff.get("/data-quality").text


def test_a_shared_number_names_who_shares_it(parts, staff, place):
    belongs(parts, place, name="Anna Bell", mobile="+12125550111")
    belongs(parts, place, name="Ben Bell", mobile="+12125550111")
    page = staff.get("/data-quality").text

    assert "Same number as Ben Bell. Nobody noted that both know of it" in page
    assert "2125550111" not in page


def test_who_has_left_is_nobodys_task(parts, staff, place):
    with parts.open_db() as db:
        who = builders.member(db, agrees=[])
        builders.enrolled(db, db.get_one(builders.Group, place), who, left_on=NOW.date())

    assert "Nothing to mend" in staff.get("/data-quality").text


def test_it_asks_the_database_no_more_with_more_members(parts, staff, place):
    asked = []
    for turn in range(2):
        with heard(parts.engine) as statements:
            staff.get("/data-quality")
        asked.append(len(statements))
        for number in range(6):
            belongs(parts, place, name=f"Member {turn} {number}", agrees=[])

    assert asked[0] == asked[1]


def test_a_number_on_hold_is_led_to_its_mend_and_freed_there(parts, staff, place):
    who = belongs(parts, place)
    with parts.open_db() as db:
        db.get_one(builders.Member, who).number_doubt = "silent"
    listed, contact = staff.get("/data-quality").text, staff.get(f"/members/{who}/contact").text
    staff.post(f"/members/{who}/number")

    assert "Nothing heard, and not seen at a session, for 180 days" in listed
    assert "Texts to it are on hold" in contact
    assert "Texts to it are on hold" not in staff.get(f"/members/{who}/contact").text
