"""A term of three groups over the change to summer time, judged by the ledger of a real sandbox.

New York and Los Angeles change on 14 March 2027, London on the 28th. What is expected is reckoned here, from the
clocks on the walls alone: nothing of the service's own rules is asked.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from service.flows import schedule
from service.flows.deliver import deliver_due
from service.flows.plan import plan
from service.flows.reconcile import sweep
from service.flows.schedule import materialise
from service.models import Delivery, Group, Series
from service.rules.consent import MESSAGES, Choice, Purpose
from service.rules.lifecycle import State
from tests import builders
from tests.builders import LONDON, LOS_ANGELES, NEW_YORK, on_sqlite

STARTS = datetime(2027, 3, 1, 14, tzinfo=UTC)
ENDS = datetime(2027, 4, 6, 14, tzinfo=UTC)

GROUPS = {
    # name: the zone, the first day, the hour
    "Grief, Tuesdays": (NEW_YORK, date(2027, 3, 9), time(18, 0)),
    "Recovery, Mondays": (LONDON, date(2027, 3, 8), time(18, 30)),
    "Anxiety, Wednesdays": (LOS_ANGELES, date(2027, 3, 10), time(10, 0)),
}
WEEKS = 4

EVERYTHING, REMINDERS = MESSAGES, (Purpose.REMINDER,)
PEOPLE = [
    # group, number, email, choice, zone, what they agreed to
    ("Grief, Tuesdays", "+12125550101", "", Choice.SMS, "America/New_York", EVERYTHING),
    ("Grief, Tuesdays", "+12125550102", "", Choice.SMS, "America/Los_Angeles", EVERYTHING),
    ("Grief, Tuesdays", "+12125550103", "", Choice.SMS, "America/New_York", ()),
    ("Grief, Tuesdays", "+12125550104", "ny@people.sandbox.test", Choice.EMAIL, "America/New_York", EVERYTHING),
    ("Grief, Tuesdays", "+12125550105", "", Choice.SMS, "America/New_York", REMINDERS),
    ("Recovery, Mondays", "+447911123401", "", Choice.SMS, "Europe/London", EVERYTHING),
    ("Recovery, Mondays", "+447911123402", "uk@people.sandbox.test", Choice.BOTH, "Europe/London", REMINDERS),
    ("Recovery, Mondays", "+447911123403", "no@people.sandbox.test", Choice.BOTH, "Europe/London", ()),
    ("Anxiety, Wednesdays", "+12135550101", "", Choice.SMS, "America/Los_Angeles", EVERYTHING),
    ("Anxiety, Wednesdays", "+12135550102", "", Choice.SMS, "America/Los_Angeles", REMINDERS),
    ("Anxiety, Wednesdays", "+12135550103", "", Choice.NONE, "America/Los_Angeles", EVERYTHING),
]
FORBIDDEN = ["grief", "recovery", "anxiety", "therap", "group", "session"]


def wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def hours_of(start: datetime, zone: ZoneInfo) -> dict[str, datetime]:
    """When the five messages about a session of 90 minutes go out, from its start."""
    day = start.astimezone(zone).date()
    return {
        "three days": start - timedelta(hours=72),
        "one day": start - timedelta(hours=24),
        # seven in the morning is night: the evening before, a quarter of an hour before it begins
        "same day": wall(day - timedelta(days=1), time(19, 45), zone)
        if zone is LOS_ANGELES
        else start - timedelta(hours=3),
        # half past five in the morning is night: it waits
        "reflection": wall(day + timedelta(days=1), time(9), zone)
        if zone is LOS_ANGELES
        else start + timedelta(hours=19, minutes=30),
        "check-in": wall(day + timedelta(days=3), time(12), zone),
    }


def expected() -> Counter:
    """Every message that ought to go: to whom, by which provider, when."""
    wanted: Counter = Counter()
    for name, number, email, choice, _, agreed in PEOPLE:
        zone, first, at = GROUPS[name]
        for week in range(WEEKS):
            for kind, moment in hours_of(wall(first + timedelta(weeks=week), at, zone), zone).items():
                if Purpose(kind.replace("-", "") if kind in ("reflection", "check-in") else "reminder") not in agreed:
                    continue
                if moment >= ENDS:
                    continue
                if choice in (Choice.SMS, Choice.BOTH):
                    wanted[number, "twilio", moment] += 1
                if choice in (Choice.EMAIL, Choice.BOTH):
                    wanted[email, "sendgrid", moment] += 1
    return wanted


@pytest.fixture
def environ(environ, sandbox, stand_in):
    stand_in.answer = lambda asked: asked.say(204, b"")
    return {**environ, "TWILIO_API_BASE": sandbox.url, "SENDGRID_API_BASE": sandbox.url, "PUBLIC_URL": stand_in.url}


@pytest.fixture
def term(parts, clock, sandbox):
    """The three groups and their members, on the first of March."""
    clock.go_to(STARTS)
    sandbox.set_clock(STARTS)
    with parts.open_db() as db:
        groups = {}
        for name, (zone, first, at) in GROUPS.items():
            about = schedule.About(name=name, outside_name="Group", time_zone=zone.key, place="Room 2")
            groups[name] = schedule.add_group(db, about, builders.weekly(first, at, count=WEEKS), clock())
        for number, (name, mobile, email, choice, zone, agreed) in enumerate(PEOPLE):
            who = builders.member(
                db, f"Person {number}", mobile=mobile, email=email, choice=choice, time_zone=zone, agrees=agreed
            )
            builders.enrolled(db, groups[name], who, joined_on=STARTS.date())
        plan(db, clock())


def live_through(parts, clock, sandbox):
    """As the clock process does, without its waiting: plan each day, hand out what is due, send it."""
    post = parts.post()
    while (moment := next_moment(parts, clock)) < ENDS:
        clock.go_to(moment)
        sandbox.set_clock(moment)
        plan_ahead(parts, clock)
        with parts.open_db() as db:
            sweep(db, clock)
        deliver_due(post, lambda: False)


def next_moment(parts, clock):
    """When the next message is due, or the next day begins."""
    with parts.read_db() as db:
        due = db.scalars(select(func.min(Delivery.next_at)).where(Delivery.state == State.SCHEDULED)).one()
    tomorrow = clock() + timedelta(days=1)
    return min(max(due, clock() + timedelta(seconds=1)), tomorrow) if due else tomorrow


def plan_ahead(parts, clock):
    with parts.open_db() as db:
        for series in db.scalars(select(Series)):
            materialise(db, series, clock())
        plan(db, clock(), db.scalars(Group.open()).all())


@on_sqlite
def test_a_term_over_the_change_of_the_clocks_is_sent_as_it_should_be(parts, clock, sandbox, term):
    live_through(parts, clock, sandbox)

    sent = sandbox.accepted
    seen = Counter((row["to_norm"], row["provider"], sandbox.at(row)) for row in sent)
    assert {"missing": expected() - seen, "too many": seen - expected()} == {"missing": {}, "too many": {}}
    assert_none_at_night(sandbox, sent)
    assert_hours_in_words_are_right(sandbox, sent)
    assert_the_judge_finds_nothing(parts, sandbox)


def assert_none_at_night(sandbox, sent):
    zones = {address: ZoneInfo(zone) for _, mobile, email, _, zone, _ in PEOPLE for address in (mobile, email)}
    hours = {sandbox.at(row).astimezone(zones[row["to_norm"]]).time() for row in sent}

    assert min(hours) >= time(9)
    assert max(hours) < time(20)


def assert_hours_in_words_are_right(sandbox, sent):
    """Each text names the hour on the wall of the group's room, whatever the offset is that week."""
    homes = {mobile: GROUPS[name] for name, mobile, *_ in PEOPLE}
    reminders = [row for row in sent if "Reminder of your appointment" in row["body"]]
    assert len(reminders) > 50
    for row in reminders:
        zone, first, at = homes[row["to_norm"]]
        said = row["body"].partition("appointment ")[2].partition(". ")[0]
        days = [first + timedelta(weeks=week) for week in range(WEEKS)]
        day = next(day for day in days if wall(day, at, zone) > sandbox.at(row))
        expected_words = f"{day:%a %b} {day.day} at {datetime.combine(day, at):%I:%M %p}".replace(" 0", " ")
        assert said.startswith(expected_words), row["body"]


def assert_the_judge_finds_nothing(parts, sandbox):
    with parts.read_db() as db:
        rows = db.scalars(select(Delivery).where(Delivery.state != State.SCHEDULED)).all()
        wanted = [{"app_message_id": str(row.id), "to": row.address} for row in rows]
    sandbox.tell(
        "expect",
        {"messages": wanted, "forbidden_words": FORBIDDEN, "segments_budget": 1},
    )
    verdict = sandbox.ask("audit")

    assert {name: found for name, found in verdict["lists"].items() if found} == {}
