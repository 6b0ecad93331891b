from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import WEEKLY, rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.recurrence import Frequency, Recurrence, WallTime, starts_at, wall_time

NEW_YORK = ZoneInfo("America/New_York")
ZONES = [
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/St_Johns",
    "America/Puerto_Rico",
    "Europe/London",
    "Europe/Madrid",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Pacific/Honolulu",
]
FOREVER = (date(2000, 1, 1), date(2100, 1, 1))
days = st.dates(date(2024, 1, 1), date(2032, 12, 31))


def iso(dates):
    return [day.isoformat() for day in dates]


def weekly(**changed):
    return Recurrence(**{"starts_on": date(2026, 1, 5), **changed})


def monthly(starts_on, **changed):
    return Recurrence(starts_on, Frequency.MONTHLY, **changed)


def nth_weekdays_by_hand(first_date, last):
    """Every date up to `last` on the weekday of `first_date` and at its place in the month."""
    every_day = (first_date + timedelta(days=n) for n in range((last - first_date).days + 1))
    same_weekday = [day for day in every_day if day.weekday() == first_date.weekday()]
    if first_date.day > 28:
        return [day for day in same_weekday if (day + timedelta(days=7)).month != day.month]
    return [day for day in same_weekday if (day.day - 1) // 7 == (first_date.day - 1) // 7]


def test_a_weekly_series_comes_on_the_same_weekday():
    assert iso(weekly().dates(date(2026, 1, 1), date(2026, 1, 31))) == [
        "2026-01-05",
        "2026-01-12",
        "2026-01-19",
        "2026-01-26",
    ]


def test_a_series_every_other_week_keeps_its_beat_when_looked_at_from_the_middle():
    assert iso(weekly(every=2).dates(date(2026, 1, 10), date(2026, 2, 5))) == ["2026-01-19", "2026-02-02"]


def test_both_ends_of_the_look_are_included():
    assert iso(weekly().dates(date(2026, 1, 12), date(2026, 1, 19))) == ["2026-01-12", "2026-01-19"]


def test_nothing_comes_before_the_first_date():
    assert weekly().dates(date(2025, 1, 1), date(2026, 1, 4)) == []


def test_the_last_day_of_the_series_is_included():
    assert iso(weekly(until=date(2026, 1, 12)).dates(*FOREVER)) == ["2026-01-05", "2026-01-12"]


def test_three_sessions_with_a_skipped_week_are_still_three_sessions():
    series = weekly(count=3, skips=frozenset({date(2026, 1, 12)}))

    assert iso(series.dates(*FOREVER)) == ["2026-01-05", "2026-01-19", "2026-01-26"]


def test_a_skipped_date_that_is_no_date_of_the_series_changes_nothing():
    elsewhere = frozenset({date(2026, 1, 6), date(2025, 12, 29)})

    assert weekly(count=3, skips=elsewhere).dates(*FOREVER) == weekly(count=3).dates(*FOREVER)


def test_of_a_count_and_an_end_the_earlier_one_ends_the_series():
    assert len(weekly(count=9, until=date(2026, 1, 19)).dates(*FOREVER)) == 3
    assert len(weekly(count=2, until=date(2026, 1, 19)).dates(*FOREVER)) == 2


@pytest.mark.parametrize(
    ("starts_on", "expected"),
    [
        ("2026-01-08", ["2026-01-08", "2026-02-12", "2026-03-12", "2026-04-09"]),
        ("2026-01-22", ["2026-01-22", "2026-02-26", "2026-03-26", "2026-04-23"]),
        ("2026-01-29", ["2026-01-29", "2026-02-26", "2026-03-26", "2026-04-30"]),
    ],
)
def test_a_monthly_series_keeps_its_place_in_the_month_and_the_fifth_is_the_last(starts_on, expected):
    series = monthly(date.fromisoformat(starts_on))

    assert iso(series.dates(date(2026, 1, 1), date(2026, 4, 30))) == expected


def test_a_monthly_series_counts_the_sessions_held():
    series = monthly(date(2026, 1, 8), every=2, count=3, skips=frozenset({date(2026, 3, 12)}))

    assert iso(series.dates(*FOREVER)) == ["2026-01-08", "2026-05-14", "2026-07-09"]


@pytest.mark.parametrize("wrong", [{"every": 0}, {"count": 0}])
def test_a_series_that_never_comes_is_refused(wrong):
    with pytest.raises(ValueError, match="a series"):
        weekly(**wrong)


@settings(max_examples=150, deadline=None)
@given(days, st.integers(1, 6), days, st.integers(0, 500), st.none() | days)
def test_weekly_dates_are_those_of_the_calendar_standard(starts_on, every, first, length, until):
    last = first + timedelta(days=length)
    end = min(last, until or last)
    standard = rrule(
        WEEKLY,
        interval=every,
        dtstart=datetime.combine(starts_on, time.min),
        until=datetime.combine(end, time.min),
    )

    found = Recurrence(starts_on, every=every, until=until).dates(first, last)

    assert found == [moment.date() for moment in standard if moment.date() >= first]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(Frequency),
    days,
    st.integers(1, 5),
    st.integers(1, 15),
    st.sets(st.integers(0, 14)),
    days,
)
def test_a_look_at_a_part_shows_what_a_look_at_all_shows(frequency, starts_on, every, count, skipped, first):
    plain = Recurrence(starts_on, frequency, every).dates(starts_on, date(2044, 1, 1))
    skips = frozenset(plain[n] for n in skipped if n < len(plain))
    series = Recurrence(starts_on, frequency, every, count=count, skips=skips)
    held = [day for day in plain if day not in skips][:count]

    assert series.dates(*FOREVER) == held
    assert series.dates(first, date(2040, 1, 1)) == [day for day in held if first <= day <= date(2040, 1, 1)]


@settings(max_examples=60, deadline=None)
@given(days, st.integers(0, 400))
def test_monthly_dates_are_those_counted_on_the_fingers(starts_on, length):
    last = starts_on + timedelta(days=length)

    assert monthly(starts_on).dates(starts_on, last) == nth_weekdays_by_hand(starts_on, last)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [time(9), time(18, 30), time(0, 15), time(23, 45)])
def test_the_clock_on_the_wall_says_the_same_before_and_after_the_clocks_change(zone, at):
    zone = ZoneInfo(zone)
    moments = [
        (on, starts_at(on, at, zone)) for on in Recurrence(date(2026, 1, 7)).dates(date(2026, 1, 1), date(2029, 1, 1))
    ]

    shown = [(moment.astimezone(zone).date(), moment.astimezone(zone).time()) for _, moment in moments]
    assert shown == [(on, at) for on, _ in moments if wall_time(on, at, zone) is not WallTime.GAP]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), days, st.times())
def test_later_dates_are_later_instants(zone, starts_on, at):
    dates = Recurrence(starts_on).dates(starts_on, starts_on + timedelta(days=400))
    moments = [starts_at(on, at, ZoneInfo(zone)) for on in dates]

    assert all(earlier < later for earlier, later in pairwise(moments))
    assert all(moment.tzinfo is UTC for moment in moments)


@pytest.mark.parametrize(
    ("zone", "on", "at", "shown"),
    [
        ("America/New_York", "2027-03-14", "02:30", "03:30"),
        ("Europe/London", "2027-03-28", "01:15", "02:15"),
        ("Australia/Lord_Howe", "2026-10-04", "02:10", "02:40"),
        ("America/Santiago", "2026-09-06", "00:20", "01:20"),
        ("Africa/Cairo", "2027-04-30", "00:05", "01:05"),
    ],
)
def test_a_time_that_the_clocks_skip_is_later_by_what_they_skip(zone, on, at, shown):
    zone, on, at = ZoneInfo(zone), date.fromisoformat(on), time.fromisoformat(at)

    assert wall_time(on, at, zone) is WallTime.GAP
    assert starts_at(on, at, zone).astimezone(zone).strftime("%H:%M") == shown


def test_of_a_time_that_comes_twice_the_first_is_meant():
    assert wall_time(date(2026, 11, 1), time(1, 30), NEW_YORK) is WallTime.OVERLAP
    assert starts_at(date(2026, 11, 1), time(1, 30, fold=1), NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize("at", ["00:59", "03:00", "12:00"])
def test_most_times_are_ordinary_even_on_the_night_of_the_change(at):
    assert wall_time(date(2026, 11, 1), time.fromisoformat(at), NEW_YORK) is WallTime.ORDINARY
    assert wall_time(date(2027, 3, 14), time.fromisoformat(at), NEW_YORK) is WallTime.ORDINARY
