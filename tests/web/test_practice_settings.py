"""The settings of the practice: errors at their fields, and messages that follow the hours."""

import pytest
from sqlalchemy import select

from service.models import (
    Practice,
)
from tests import builders
from tests.web.made_groups import has_error_at, made_group, waiting

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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
