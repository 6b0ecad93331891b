"""A week of messages, seen before anybody is written to."""

import re

import pytest
from sqlalchemy import func, select

from service.flows import schedule
from service.models import Delivery, Practice
from tests import builders
from tests.builders import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def place(parts):
    with parts.open_db() as db:
        return schedule.add_group(db, builders.about(), builders.weekly(count=4), NOW).id


def test_the_week_shows_each_message_in_its_words(parts, staff, place):
    page = staff.get(f"/groups/{place}/week").text

    assert "Oak St Office: Reminder of your appointment Thu Jan 7 at 6:30 PM." in page
    assert "Oak St Office: See you today at 6:30 PM." in page
    assert page.count('class="bubble"') == 5
    with parts.read_db() as db:
        assert db.scalar(select(func.count(Delivery.id))) == 0


def test_the_week_is_there_in_spanish(staff, place):
    assert "Le recordamos su cita el" in staff.get(f"/groups/{place}/week?language=es").text


def test_quiet_hours_are_marked(parts, staff, place):
    with parts.open_db() as db:
        db.scalars(select(Practice)).one().closes = builders.time(15)
    page = staff.get(f"/groups/{place}/messages").text

    assert 'class="night"' in page
    assert "Quiet hours: due Thu Jan 7 at 3:30 PM" in page


def test_without_a_session_ahead_it_says_what_to_do(parts, staff):
    with parts.open_db() as db:
        place = builders.group(db).id

    assert "No session ahead" in staff.get(f"/groups/{place}/week").text
    assert staff.get(f"/groups/{place}/messages").status_code == 200


def test_the_phone_on_the_screen_is_opened_on_the_practices_clock(staff, place):
    with_phone = re.findall(r'href="(http://127\.0\.0\.1:\d+/\?zone=[^"]*)"', staff.get("/").text)

    assert with_phone
    assert all(link.endswith("/?zone=America%2FNew_York") for link in with_phone)
