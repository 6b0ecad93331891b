"""What the clock does by the way: chores, planning ahead, beats and what is noted once a day."""

import logging
import threading
from datetime import timedelta

from sqlalchemy import select

from jobs import clock as jobs_clock
from jobs import upkeep
from service.flows import heads
from service.models import GroupSession, Heartbeat
from service.rules.lifecycle import State
from tests import builders
from tests.builders import NOW
from tests.jobs.conftest import due, states


def test_a_chore_that_fails_is_tried_again_at_its_next_time(caplog):
    stop, done = threading.Event(), []

    def fails_once() -> None:
        done.append(1)
        if len(done) == 1:
            raise ZeroDivisionError
        stop.set()

    jobs_clock.Chore(fails_once, 0.01).keep_doing(stop)

    assert len(done) == 2
    assert "fails_once failed" in caplog.text


def test_a_chore_that_had_something_to_do_looks_again_soon_and_not_after_its_long_time():
    stop, left = threading.Event(), [3]

    def hands_out() -> int:
        left[0] -= 1
        if not left[0]:
            stop.set()
        return left[0]

    jobs_clock.Chore(hands_out, 1000.0).keep_doing(stop)

    assert left == [0]


def test_planning_ahead_puts_sessions_and_messages_in_their_place(parts, in_jobs, clock):
    with parts.open_db() as db:
        place = builders.schedule.add_group(db, builders.about(), builders.weekly(), NOW)
        builders.enrolled(db, place, builders.member(db))
    clock.go(days=7)
    upkeep.plan_ahead()
    with parts.read_db() as db:
        sessions = len(db.scalars(select(GroupSession)).all())

    assert (sessions, len(states(parts)) > 0) == (13, True)


def test_one_group_that_cannot_be_planned_does_not_hold_up_the_others(parts, in_jobs):
    with parts.open_db() as db:
        for name in ("A", "B", "C"):
            place = builders.group(db, name)
            builders.session(db, place)
            builders.rule(db, place)
            who = builders.member(db)
            builders.enrolled(db, place, who)
            if name == "A":
                who.time_zone, who.number_zones = None, [{}]  # no clock at all, where names of zones ought to be
    upkeep.plan_ahead()

    assert len(states(parts)) == 2


def test_planning_ahead_on_an_installation_without_a_practice_does_nothing(parts, in_jobs):
    with parts.open_db() as db:
        db.delete(builders.practice(db))
    upkeep.plan_ahead()

    assert states(parts) == []


def test_what_is_too_late_is_put_away(parts, in_jobs, clock):
    due(parts, 1)
    clock.go(days=1)
    upkeep.put_away()

    assert states(parts) == [State.EXPIRED]


def test_each_process_shows_that_it_is_alive(parts, in_jobs):
    upkeep.show_alive()
    upkeep.show_alive()
    with parts.read_db() as db:
        assert [row.name for row in db.scalars(select(Heartbeat))] == ["clock"]


def test_where_the_ledgers_end_is_noted_once_a_day_in_a_file_and_in_the_log(parts, in_jobs, caplog):
    with parts.open_db() as db:
        builders.member(db)
    with caplog.at_level(logging.INFO):
        upkeep.note_heads()
        upkeep.note_heads()
    kept = [str(head) for head in heads.kept(parts.settings.data_dir)]

    assert len(kept) == 1
    assert [record.getMessage() for record in caplog.records] == [f"the ledger ends: {kept[0]}"]


def test_a_practice_clock_that_races_has_its_chores_done_more_often():
    calm = {chore.do.__name__: chore.every for chore in jobs_clock.chores(1.0, 90.0)}
    racing = {chore.do.__name__: chore.every for chore in jobs_clock.chores(600.0, 90.0)}

    assert all(racing[name] <= calm[name] for name in calm)
    assert racing["plan_ahead"] * 600 <= timedelta(hours=1).total_seconds()
