"""A group's trends: who sees them, and what stands there before there is anything to draw."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.models import AuditEntry, Group
from service.models.groups import Came, Safety
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW
from tests.flows.test_trends import answered, member_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WEEK = timedelta(days=7)


@pytest.fixture
def group_id(parts):
    with parts.open_db() as db:
        place = builders.group(db)
        builders.rule(db, place, Kind.CHECKIN)
        return place.id


def four_answered(parts):
    with parts.open_db() as db:
        place = db.scalars(select(Group)).one()
        everyone = [member_of(db, place, f"Member {number}") for number in range(4)]
        for weeks in range(4, 0, -1):
            about = builders.session(db, place, NOW - weeks * WEEK)
            for number, who in enumerate(everyone):
                answered(db, who, about, str(3 + number))
                builders.came(db, about, who, Came.CAME if number else Came.ABSENT)


def led_by(parts, facilitator):
    with parts.open_db() as db:
        db.scalars(select(Group)).one().facilitator_id = facilitator


def test_the_line_and_the_table_say_the_same(parts, group_id, staff):
    four_answered(parts)
    page = staff.get(f"/groups/{group_id}/trends").text

    assert 'aria-label="The group&#39;s median' in page
    assert page.count(">4.5<") == 4
    assert "3, 3, 3, 3" in page
    assert "3 of 4" in page


def test_it_is_on_record_whose_answers_were_seen(parts, group_id, staff):
    four_answered(parts)
    staff.get(f"/groups/{group_id}/trends")
    with parts.read_db() as db:
        seen = db.scalars(select(AuditEntry.member_id).where(AuditEntry.action == "check-ins read")).all()

    assert len(set(seen)) == 4


def test_an_administrator_does_not_read_what_a_facilitator_reads(parts, group_id, staff):
    four_answered(parts)
    with parts.open_db() as db:
        other = builders.staff(db, "lee@oak.example.org").id
    led_by(parts, other)
    page = staff.get(f"/groups/{group_id}/trends").text

    assert "Its facilitator reads these" in page
    assert "3, 3, 3, 3" not in page
    assert "4.5" not in page
    assert "3 of 4" in page


@pytest.mark.parametrize(
    ("makes_so", "says"),
    [
        (lambda place: None, "Nobody has answered yet"),
        (lambda place: setattr(place.rules[0], "is_on", False), "The check-in is switched off"),
        (lambda place: setattr(place, "safety", Safety.ONE_WAY), "Its texts are one-way"),
    ],
)
def test_where_nothing_was_answered_the_page_says_what_to_do(parts, group_id, staff, makes_so, says):
    with parts.open_db() as db:
        place = db.scalars(select(Group)).one()
        builders.session(db, place, NOW - WEEK)
        makes_so(place)

    assert says in staff.get(f"/groups/{group_id}/trends").text


def test_before_the_first_session_the_page_says_when_that_is(parts, group_id, staff):
    with parts.open_db() as db:
        builders.session(db, db.scalars(select(Group)).one(), NOW + WEEK)

    page = staff.get(f"/groups/{group_id}/trends").text
    assert "The first figures stand here after the first session: " in page
