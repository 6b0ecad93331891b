"""This session and all later ones meet differently: who hears of it is shown first."""

import pytest
from sqlalchemy import select

from service.flows.schedule import add_group
from service.models import Delivery, GroupSession
from service.rules.kinds import Kind
from tests import builders
from tests.builders import NOW


@pytest.fixture
def third(parts):
    """The third session of a weekly group that has one member who is texted."""
    with parts.open_db() as db:
        builders.practice(db)
        place = add_group(db, builders.about(), builders.weekly(), NOW)
        builders.enrolled(db, place, builders.member(db))
        return db.scalars(select(GroupSession).order_by(GroupSession.starts_at)).all()[2]


def typed(third, **other):
    on = third.starts_at.astimezone(builders.NEW_YORK).date()
    return {"starts_on": on.isoformat(), "time": "17:00", "minutes": "60", "repeats": "1", "ends": "open", **other}


def lengths(parts):
    with parts.read_db() as db:
        return [row.minutes for row in db.scalars(select(GroupSession).order_by(GroupSession.starts_at))][:4]


def test_the_form_shows_how_the_series_meets_now(staff, third):
    page = staff.get(f"/sessions/{third.id}/series").text

    assert 'value="18:30"' in page


def test_nothing_changes_before_it_is_confirmed(staff, parts, third):
    page = staff.post(f"/sessions/{third.id}/series", typed(third))

    assert "Who will be told" in page.text
    assert lengths(parts) == [90, 90, 90, 90]


def test_where_nothing_moves_it_is_said_that_nobody_has_to_be_told(staff, third):
    page = staff.post(f"/sessions/{third.id}/series", typed(third, time="18:30", minutes="90"))

    assert "No member has to be told." in page.text
    assert "is taken back" not in page.text


def test_confirmed_the_later_sessions_change_and_members_are_told_once(staff, parts, third):
    staff.post(f"/sessions/{third.id}/series", typed(third, confirmed="1"))

    assert lengths(parts) == [90, 90, 60, 60]
    with parts.read_db() as db:
        assert len(db.scalars(select(Delivery).where(Delivery.kind == Kind.MOVED)).all()) == 1


def test_what_cannot_be_read_is_said_at_its_field(staff, parts, third):
    answer = staff.post(f"/sessions/{third.id}/series", typed(third, minutes="5", confirmed="1"))

    assert answer.status_code == 422
    assert "Enter a whole number from 15 to 480." in answer.text
    assert lengths(parts) == [90, 90, 90, 90]
