from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules.pausing import LONGEST, pause_until

TODAY = date(2027, 1, 4)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("PAUSE", "2027-01-18"),
        ("pausa", "2027-01-18"),
        ("Pause please", "2027-01-18"),
        ("PAUSE 3 days", "2027-01-07"),
        ("pause for a week", "2027-01-11"),
        ("Pause two weeks", "2027-01-18"),
        ("pausa 10 dias", "2027-01-14"),
        ("pausa una semana", "2027-01-11"),
        ("pausa 3 días", "2027-01-07"),
        ("PAUSE until Jan 20", "2027-01-20"),
        ("pause until 20 January", "2027-01-20"),
        ("pausa hasta el 20 de enero", "2027-01-20"),
        ("PAUSE 2027-02-01", "2027-02-01"),
        ("pause 0 days", "2027-01-05"),
        ("pause until Jan 3", "2027-04-04"),
        ("PAUSE 999 months", "2027-04-04"),
        ("pause until Feb 31", "2027-01-18"),
        ("pause 2027-13-45", "2027-01-18"),
    ],
)
def test_a_break_is_as_long_as_they_say_within_a_day_and_ninety(text, until):
    assert pause_until(text, TODAY) == date.fromisoformat(until)


@given(st.text(max_size=400))
def test_whatever_is_written_is_a_day_to_come(text):
    assert TODAY < pause_until(f"PAUSE {text}", TODAY) <= TODAY + LONGEST
