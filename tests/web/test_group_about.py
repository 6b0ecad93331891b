"""A group that is there: its name, place and size corrected, and a file of members mended on the page."""

import io

import pytest

from service.flows import schedule
from service.models import Group, Member
from tests import builders
from tests.builders import NOW
from tests.web.made_groups import add, count, has_error_at, made_group

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ABOUT = {"group": "Loss, Thursdays", "outside_name": "Thursdays", "place": "Room 4", "link": "", "capacity": "8"}


def test_a_groups_name_place_and_size_can_be_corrected(parts, staff):
    group = made_group(parts)
    answer = staff.post(f"/groups/{group}/about", ABOUT)

    with parts.read_db() as db:
        row = db.get_one(Group, group)
    assert answer.status_code == 302
    assert (row.name, row.outside_name, row.place, row.capacity) == ("Loss, Thursdays", "Thursdays", "Room 4", 8)


@pytest.mark.parametrize(
    ("field", "value"),
    [("group", " "), ("outside_name", ""), ("place", "x" * 121), ("link", "ftp://x"), ("capacity", "0")],
)
def test_what_is_wrong_with_a_correction_stands_at_its_field(parts, staff, field, value):
    page = staff.post(f"/groups/{made_group(parts)}/about", {**ABOUT, field: value})

    assert page.status_code == 422
    assert has_error_at(page, field)


def test_a_group_keeps_its_own_name_and_takes_no_other_groups(parts, staff):
    group = made_group(parts)
    with parts.open_db() as db:
        schedule.add_group(db, builders.about("Loss"), builders.weekly(count=4), NOW)

    assert staff.post(f"/groups/{group}/about", {**ABOUT, "group": "thursday GRIEF group"}).status_code == 302
    assert has_error_at(staff.post(f"/groups/{group}/about", {**ABOUT, "group": " loss"}), "group")


def test_what_is_wrong_in_a_file_can_be_mended_on_the_page(parts, staff):
    group = made_group(parts)
    table = b"name,mobile\nAnna,202-555-0111\nBen,12\n"
    page = add(staff, group, file=(io.BytesIO(table), "members.csv"), keep_good="1")

    assert "Line 2, mobile" in page.text, "as they stand there now"
    assert "name,mobile\nBen,12</textarea>" in page.text
    assert add(staff, group, "name,mobile\nBen,202-555-0112").status_code == 302
    assert count(parts, Member) == 2
