"""A new group: its dates are shown before anything is saved, and each error stands at its field."""

import pytest

from service.models import (
    Group,
    GroupSession,
)
from tests.web.made_groups import GROUP, count, has_error_at, made_group, seen

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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
