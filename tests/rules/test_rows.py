"""What people type, value by value."""

from datetime import date

import pytest

from service.rules import rows


def test_a_date_to_skip_that_cannot_be_read_is_named_as_it_was_written():
    with pytest.raises(rows.NotReadable, match=r"^31 Dec is not a date"):
        rows.iso_dates("2026-12-22, 31 Dec")


def test_what_was_left_empty_is_asked_for_and_not_quoted():
    with pytest.raises(rows.NotReadable, match=r"^Enter a date, like 2027-03-28\.$"):
        rows.iso_date("")
    with pytest.raises(rows.NotReadable, match=r"^Enter a time, like 18:30\.$"):
        rows.clock_time("")


def test_dates_to_skip_are_apart_by_spaces_commas_or_lines():
    days = {date(2026, 12, 22), date(2026, 12, 24), date(2026, 12, 29)}

    assert rows.iso_dates("2026-12-22 2026-12-24,\n2026-12-29\n") == days


@pytest.mark.parametrize("read", [rows.iso_date, rows.instant, lambda day: rows.wall_moment(f"{day}T12:00")])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_year_in_which_no_clock_of_ours_runs_is_refused(read, day):
    with pytest.raises(rows.NotReadable, match="Choose a year"):
        read(day)


def test_a_sentence_names_only_the_beginning_of_what_is_long():
    with pytest.raises(rows.NotReadable) as error:
        rows.iso_date("x" * 10_000)

    assert len(str(error.value)) < 100
