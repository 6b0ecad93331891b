"""This session and all later ones meet differently: who hears of it is shown first."""

import re
from html import unescape

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


def pressed(page, button):
    """What a browser sends for this button of the form that it stands in."""
    form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if f">{button}<" in form)
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    name, value = re.search(rf'<button[^>]*name="([^"]+)" value="([^"]+)"[^>]*>{button}<', form).groups()
    return {name: unescape(value) for name, value in [*fields, (name, value)]}


def test_back_from_the_confirmation_all_that_was_typed_is_still_there(staff, parts, third):
    given = typed(third, repeats="2", ends="until", until="2027-06-30", skip="2027-02-18\r\n2027-03-04")
    asked = staff.post(f"/sessions/{third.id}/series", given).text
    page = staff.post(f"/sessions/{third.id}/series", pressed(asked, "Go back"))

    assert page.status_code == 200
    assert 'value="17:00"' in page.text
    assert '<option value="2" selected>' in page.text
    assert 'value="2027-06-30"' in page.text
    assert "2027-02-18\r\n2027-03-04</textarea>" in page.text
    assert lengths(parts) == [90, 90, 90, 90]


def test_back_from_a_move_the_new_date_and_time_are_still_there(staff, parts, third):
    asked = staff.post(f"/sessions/{third.id}/move", {"on": "2027-01-22", "at": "16:45"}).text
    page = staff.post(f"/sessions/{third.id}/move", pressed(asked, "Go back")).text

    assert 'value="2027-01-22"' in page
    assert 'value="16:45"' in page
    with parts.read_db() as db:
        assert db.get_one(GroupSession, third.id).starts_at == third.starts_at


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
