import fcntl
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.clock import Clock as SandboxClock
from service.clock import NAME, Clock, ClockSetting, join, keep_alive, look

ROOT = Path(__file__).parents[2]
MARCH = datetime(2026, 3, 6, 12, tzinfo=UTC)
STILL = ClockSetting(MARCH)
RACING = ClockSetting(MARCH, 600.0)
SOON = timedelta(seconds=30)

JOIN = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from service.clock import ClockSetting, join, keep_alive
clock = join(ClockSetting.parse(sys.argv[2]), Path(sys.argv[1]))
print(clock().isoformat(), flush=True)
if len(sys.argv) > 3:
    sys.stdin.read()
keep_alive(Path(sys.argv[1]))
"""


def joined(folder, setting):
    """What another process takes for the present when it starts; it has ended since."""
    told = subprocess.run(
        [sys.executable, "-c", JOIN, str(folder), setting], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return datetime.fromisoformat(told.stdout.strip())


@pytest.fixture
def running(data_dir):
    """A process that keeps the clock going. What it took for the present."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOIN, str(data_dir), "2026-03-06T12:00:00Z*600", "stay"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield datetime.fromisoformat(process.stdout.readline().strip())
        process.stdin.close()


def stood_still_for(folder, **length):
    """As though the last process had ended so long ago."""
    path = folder / NAME
    kept = json.loads(path.read_text())
    away = timedelta(**length)
    kept["anchor"] = (datetime.fromisoformat(kept["anchor"]) - away).isoformat()
    path.write_text(json.dumps(kept))
    then = datetime.now(UTC).timestamp() - away.total_seconds()
    os.utime(path, (then, then))


def test_without_a_setting_it_is_the_machines_clock(data_dir):
    clock = join(None, data_dir)

    assert abs(clock() - datetime.now(UTC)) < SOON
    assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "starts_at", "rate"),
    [
        ("2026-03-06T12:00:00Z", MARCH, 1.0),
        ("2026-03-06T12:00:00Z*600", MARCH, 600.0),
        ("2026-03-06T07:00:00-05:00*0.5", MARCH, 0.5),
    ],
)
def test_a_setting_is_an_instant_and_a_rate(text, starts_at, rate):
    assert ClockSetting.parse(text) == ClockSetting(starts_at, rate)


@pytest.mark.parametrize("text", ["", "now", "2026-03-06T12:00:00", "2026-03-06T12:00:00Z*0", "2026-03-06T12:00:00Z*x"])
def test_what_is_no_setting_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  its words are for the setting's problem
        ClockSetting.parse(text)


def test_the_first_process_starts_the_clock_where_the_setting_says(data_dir):
    assert MARCH <= joined(data_dir, "2026-03-06T12:00:00Z") < MARCH + SOON


def test_a_racing_clock_goes_so_many_times_as_fast():
    clock = Clock(MARCH, datetime.now(UTC) - timedelta(seconds=10), 600.0)

    assert timedelta(minutes=100) <= clock() - MARCH < timedelta(minutes=100) + 600 * SOON


def test_what_lasts_on_the_machine_lasts_longer_on_a_racing_clock():
    assert Clock(MARCH, MARCH, 600.0).lasting(90) == timedelta(hours=15)


def test_all_processes_have_the_same_present(data_dir, running):
    mine = look(RACING, data_dir)

    assert timedelta() <= mine() - running < 600 * SOON
    assert mine.anchor == datetime.fromisoformat(json.loads((data_dir / NAME).read_text())["anchor"])


def test_a_process_that_comes_later_does_not_start_the_clock_anew(data_dir, running):
    assert joined(data_dir, "2026-03-06T12:00:00Z*600") > running


def test_the_clock_stands_still_while_nothing_runs(data_dir):
    before = joined(data_dir, "2026-03-06T12:00:00Z*600")
    stood_still_for(data_dir, days=2)

    assert joined(data_dir, "2026-03-06T12:00:00Z*600") - before < 600 * SOON


def test_a_command_that_looks_does_not_set_the_clock_going(data_dir):
    joined(data_dir, "2026-03-06T12:00:00Z*600")
    stood_still_for(data_dir, days=2)
    first = look(RACING, data_dir)()
    kept = (data_dir / NAME).read_text()

    assert first - MARCH < 600 * SOON
    assert (data_dir / NAME).read_text() == kept


def test_a_command_that_looks_while_the_first_process_starts_is_not_taken_for_a_running_one(data_dir):
    before = joined(data_dir, "2026-03-06T12:00:00Z*600")
    stood_still_for(data_dir, days=2)
    with (data_dir / "clock.lock").open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        threading.Timer(0.03, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        mine = join(RACING, data_dir)()

    assert mine - before < 600 * SOON


def test_a_command_on_an_installation_that_never_ran_sees_the_start(data_dir):
    assert MARCH <= look(STILL, data_dir)() < MARCH + SOON


def test_what_ran_counts_although_it_was_killed(data_dir):
    joined(data_dir, "2026-03-06T12:00:00Z*600")
    path = data_dir / NAME
    kept = json.loads(path.read_text())
    kept["anchor"] = (datetime.fromisoformat(kept["anchor"]) - timedelta(minutes=10)).isoformat()
    path.write_text(json.dumps(kept))
    keep_alive(data_dir)

    assert joined(data_dir, "2026-03-06T12:00:00Z*600") - MARCH > timedelta(minutes=6000)


def test_another_setting_starts_another_clock(data_dir):
    joined(data_dir, "2026-03-06T12:00:00Z*600")
    may = datetime(2026, 5, 1, tzinfo=UTC)

    assert may <= joined(data_dir, "2026-05-01T00:00:00Z") < may + SOON


def test_a_clocks_file_that_cannot_be_read_is_begun_anew(data_dir):
    (data_dir / NAME).write_text("{")

    assert MARCH <= joined(data_dir, "2026-03-06T12:00:00Z") < MARCH + SOON


def test_the_sandbox_reads_our_clock_as_we_do():
    ours = Clock(MARCH, datetime.now(UTC), 600.0)
    theirs = SandboxClock.from_spec(ours.spec())

    assert abs(ours().timestamp() - theirs.now()) < 60


def test_the_machines_clock_needs_no_spec():
    assert Clock().spec() == ""
