"""Prompts give way to reminders under the daily and weekly limits."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules.caps import Caps

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 12, 16, tzinfo=UTC)


def days(*offsets):
    return [NOW + timedelta(days=offset) for offset in offsets]


@pytest.mark.parametrize(
    ("went", "planned", "may_go"),
    [
        ((), (), True),
        ((0,), (), True),
        ((0, 0), (), False),
        ((-6, -5, -3, -1), (), True),
        ((-6, -5, -3, -2, -1), (), False),
        # the one of seven days ago is last week's
        ((-7, -5, -3, -2, -1), (), True),
        ((0,), (0,), False),
        ((-3, -1), (1, 2), True),
        ((-3, -1), (1, 2, 3), False),
        # in eight days the ones of this week do not count any more
        ((-5, -4), (3, 4, 5), True),
    ],
)
def test_one_more_goes_where_there_is_room_today_and_in_every_week_that_it_counts_in(went, planned, may_go):
    assert Caps(2, 5).leave_room(days(*went), NOW, NEW_YORK, days(*planned)) is may_go


@given(st.lists(st.integers(-6, 6), max_size=8), st.lists(st.integers(0, 6), max_size=6))
def test_what_is_let_out_never_makes_a_week_too_full(went, planned):
    went = [offset for offset in went if offset <= 0]
    if not Caps(9, 5).leave_room(days(*went), NOW, NEW_YORK, days(*planned)):
        return

    every = [*went, 0, *planned]

    assert all(sum(0 <= end - day < 7 for day in every) <= 5 for end in (0, *planned))
