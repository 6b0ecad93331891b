import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.rules.quiet_hours import Action, Slot, Window, notice_slot, prompt_slot, reminder_slot

NEW_YORK, LOS_ANGELES = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")
LONDON, AUCKLAND = ZoneInfo("Europe/London"), ZoneInfo("Pacific/Auckland")
VECTORS = Path(__file__).parents[1] / "vectors"
CASES = json.loads((VECTORS / "quiet_hours.json").read_text(encoding="utf-8"))["cases"]
DAY = Window(time(9), time(20), (NEW_YORK,))

ZONES = [
    ZoneInfo(name)
    for name in (
        "America/New_York",
        "America/Phoenix",
        "America/Santiago",
        "America/St_Johns",
        "Pacific/Honolulu",
        "Europe/London",
        "Africa/Casablanca",
        "Africa/Cairo",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Australia/Sydney",
        "Pacific/Auckland",
    )
]
moments = st.integers(0, 95_000_000).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n))
windows = st.builds(
    Window,
    st.sampled_from([time(8), time(9), time(10, 30)]),
    st.sampled_from([time(18), time(20), time(21)]),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(tuple),
)
gaps = st.timedeltas(timedelta(0), timedelta(days=3))


def new_york(text):
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def instant(text):
    return datetime.fromisoformat(text) if text else None


def slot_of(case):
    """What the rules say to a case of the vectors. Direct answers ask no window: they go when due."""
    zone = ZoneInfo(case["member_tz"])
    window = Window(*(time.fromisoformat(clock) for clock in case["window_local"]), (zone,))
    due, starts_at = instant(case["due_utc"]), instant(case["session_utc"])
    match case["kind"]:
        case "reminder":
            return reminder_slot(due, starts_at, instant(case["known_from_utc"]), window)
        case "prompt" | "checkin":
            return prompt_slot(due, starts_at, window)
        case "cancellation":
            return notice_slot(due, starts_at, window)
        case "reply":
            return Slot(Action.SEND, due)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']} {case['desc']}" for case in CASES])
def test_each_known_case_is_sent_when_it_should_be(case):
    assert slot_of(case) == Slot(Action(case["expect_action"]), instant(case["expect_send_utc"]))


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [("08:59:59", False), ("09:00:00", True), ("19:59:59", True), ("20:00:00", False), ("03:00:00", False)],
)
def test_the_window_holds_its_opening_and_not_its_closing(moment, allowed):
    assert DAY.allows(new_york(f"2026-12-09 {moment}")) is allowed


def test_two_clocks_must_both_allow_it():
    both = Window(time(9), time(20), (NEW_YORK, LOS_ANGELES))

    assert both.next_opening(new_york("2026-12-09 10:00")) == new_york("2026-12-09 12:00")
    assert both.last_before(new_york("2026-12-10 02:00")) == new_york("2026-12-09 19:45")


def test_clocks_that_share_no_hour_have_no_opening():
    never = Window(time(9), time(12), (LONDON, AUCKLAND))

    assert never.next_opening(new_york("2026-12-09 10:00")) is None
    assert never.last_before(new_york("2026-12-09 10:00")) is None


def test_the_window_opens_on_the_clock_when_the_clocks_change():
    assert DAY.next_opening(new_york("2027-03-13 21:00")) == new_york("2027-03-14 09:00")
    assert DAY.last_before(new_york("2026-11-01 23:00")) == new_york("2026-11-01 19:45")


@pytest.mark.parametrize(("opens", "closes", "zones"), [(20, 9, (LONDON,)), (9, 9, (LONDON,)), (9, 20, ())])
def test_a_window_that_cannot_be_is_refused(opens, closes, zones):
    with pytest.raises(ValueError, match="the window"):
        Window(time(opens), time(closes), zones)


def test_of_two_times_equally_near_a_reminder_takes_the_earlier():
    due, starts_at = new_york("2026-12-10 02:22:30"), new_york("2026-12-10 18:00")

    assert reminder_slot(due, starts_at, None, DAY) == Slot(Action.EARLIER, new_york("2026-12-09 19:45"))


def test_a_reminder_is_not_moved_to_before_it_was_known():
    due, known = new_york("2026-12-09 22:00"), new_york("2026-12-09 21:00")

    assert reminder_slot(due, new_york("2026-12-10 18:00"), known, DAY) == Slot(
        Action.LATER, new_york("2026-12-10 09:00")
    )


def test_a_reminder_that_was_due_before_it_was_known_goes_when_it_is_known():
    known = new_york("2026-12-10 15:00")

    assert reminder_slot(new_york("2026-12-09 18:00"), new_york("2026-12-10 18:00"), known, DAY).send_at == known


def test_a_reminder_close_to_the_start_goes_if_it_is_due_by_day():
    assert reminder_slot(new_york("2026-12-10 17:30"), new_york("2026-12-10 18:00"), None, DAY).action is Action.SEND


def test_a_prompt_more_than_fourteen_hours_late_is_skipped():
    short = Window(time(11), time(20), (NEW_YORK,))

    assert prompt_slot(new_york("2026-12-09 20:59"), None, short) == Slot(Action.SKIP, None)
    assert prompt_slot(new_york("2026-12-09 21:00"), None, short).action is Action.LATER


def test_news_by_day_goes_at_once_however_late_it_is():
    assert notice_slot(new_york("2026-12-10 17:50"), new_york("2026-12-10 18:00"), DAY).action is Action.SEND


def test_news_in_the_night_waits_for_the_morning_if_two_hours_are_left():
    due = new_york("2026-12-09 22:00")

    assert notice_slot(due, new_york("2026-12-10 11:00"), DAY) == Slot(Action.LATER, new_york("2026-12-10 09:00"))
    assert notice_slot(due, new_york("2026-12-10 10:59"), DAY) == Slot(Action.CALL_TASK, None)


def test_news_after_the_start_is_for_a_person_to_tell():
    assert notice_slot(new_york("2026-12-10 18:05"), new_york("2026-12-10 18:00"), DAY).action is Action.CALL_TASK


@settings(max_examples=200, deadline=None)
@given(moments, windows)
def test_the_next_opening_is_the_first_allowed_quarter_of_an_hour(moment, window):
    opening = window.next_opening(moment)
    steps = [moment + timedelta(minutes=15) * n for n in range(8 * 96)]
    allowed = next((step for step in steps if window.allows(step)), None)

    assert (opening is None) == (allowed is None)
    assert opening is None or (window.allows(opening) and allowed - timedelta(minutes=15) < opening <= allowed)


@settings(max_examples=200, deadline=None)
@given(moments, windows)
def test_the_last_chance_before_is_allowed_and_not_far_from_the_closing(moment, window):
    chance = window.last_before(moment)
    assume(chance is not None)

    assert window.allows(chance)
    assert window.allows(chance + timedelta(minutes=14, seconds=59))
    assert not window.allows(chance + timedelta(minutes=15))
    assert chance + timedelta(minutes=15) <= moment


@settings(max_examples=300, deadline=None)
@given(moments, gaps, st.none() | gaps, windows)
def test_a_reminder_arrives_in_the_window_before_the_start_and_not_before_it_was_known(due, ahead, known, window):
    starts_at = due + ahead
    known_from = None if known is None else starts_at - known
    slot = reminder_slot(due, starts_at, known_from, window)
    assume(slot.send_at is not None)

    assert window.allows(slot.send_at)
    assert slot.send_at < starts_at
    assert known_from is None or slot.send_at >= known_from
    assert slot.action is Action.SEND or starts_at - slot.send_at >= timedelta(minutes=90)


@settings(max_examples=200, deadline=None)
@given(moments, gaps, windows)
def test_a_prompt_is_never_early_and_never_close_to_the_next_meeting(due, ahead, window):
    slot = prompt_slot(due, due + ahead, window)
    assume(slot.send_at is not None)

    assert window.allows(slot.send_at)
    assert due <= slot.send_at <= due + timedelta(hours=14)
    assert due + ahead - slot.send_at >= timedelta(hours=2)


@settings(max_examples=200, deadline=None)
@given(moments, gaps, windows)
def test_news_is_sent_by_day_before_the_start_or_told_by_a_person(due, ahead, window):
    slot = notice_slot(due, due + ahead, window)

    if slot.send_at is None:
        assert slot.action is Action.CALL_TASK
    else:
        assert window.allows(slot.send_at)
        assert due <= slot.send_at < due + ahead
