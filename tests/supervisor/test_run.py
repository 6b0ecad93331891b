"""`groupkeeper run`: real processes are started, killed, refused and stopped."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from service.embedded import socket_path
from tests.stand_ins import free_port

PATIENCE = 60.0
ROOT = Path(__file__).parent.parent.parent


class Running:
    """One `run`, in a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.sandbox_port = free_port(), free_port()
        self.environ = {
            **os.environ,
            "DATA_DIR": str(folder / "var"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "GROUPKEEPER_TEST": str(folder),
            "PYTHONPATH": str(ROOT),
        }
        self.said = folder / "said"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.said.open("ab") as said:
            return subprocess.Popen(command(), env=self.environ, cwd=self.folder, stdout=said, stderr=said)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def children(self) -> dict[int, str]:
        """Every process of this run but the supervisor: by its environment; Valkey, which wipes it, by its socket."""
        mark = f"GROUPKEEPER_TEST={self.folder}".encode()
        valkey = str(socket_path(self.folder / "var")).encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes()
                is_ours = mark in (entry / "environ").read_bytes().split(b"\0") or valkey in line
                if is_ours and int(entry.name) != self.process.pid:
                    found[int(entry.name)] = line.replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def pid_of(self, part: str) -> int | None:
        return next((pid for pid, line in self.children().items() if part in line), None)

    def pids_of(self, part: str) -> list[int]:
        """The oldest first."""
        return sorted(pid for pid, line in self.children().items() if part in line)


def command() -> list[str]:
    return [sys.executable, "-m", "service", "run"]


def until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, "it did not come to be in time"
        time.sleep(0.1)


@contextmanager
def ready(folder: Path) -> Iterator[Running]:
    """Stopped in the end, however the test ends: what is left behind would slow every other test down."""
    one = Running(folder)
    try:
        until(one.answers)
        yield one
    finally:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGINT)
            one.process.wait(20)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ready(tmp_path_factory.mktemp("run")) as one:
        until(lambda: one.pid_of("jobs.worker") and one.pid_of("jobs.clock"))
        yield one


pytestmark = [
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
    pytest.mark.xdist_group("run"),
]


def test_everything_runs_after_one_command(running):
    until(lambda: all(running.pid_of(part) for part in ("granian", "jobs.worker", "jobs.clock", "sandbox", "valkey")))


def test_it_says_where_it_is(running):
    until(lambda: f"http://127.0.0.1:{running.port}" in running.said.read_text())

    assert f"http://127.0.0.1:{running.sandbox_port}" in running.said.read_text()


def test_a_second_one_on_the_same_data_is_refused_in_one_sentence(running):
    second = subprocess.run(command(), env=running.environ, cwd=running.folder, capture_output=True, text=True)

    assert (second.returncode, second.stderr.strip().count("\n")) == (1, 0)
    assert "already running" in second.stderr


def test_a_taken_port_is_said_in_one_sentence(running, tmp_path):
    environ = {**running.environ, "DATA_DIR": str(tmp_path / "other")}

    second = subprocess.run(command(), env=environ, cwd=tmp_path, capture_output=True, text=True)

    assert second.returncode == 2
    assert (
        second.stderr.strip() == f"Port {running.port} is taken. Choose another: make run PORT={running.port + 1000}."
    )


def asked_as_foreign(running, header):
    request = urllib.request.Request(f"http://127.0.0.1:{running.port}/healthz", headers={header: "foreign.invalid"})
    return urllib.request.urlopen(request, timeout=20).status


def test_what_a_proxy_says_of_itself_is_heeded(running):
    with pytest.raises(urllib.error.HTTPError, match="400"):
        asked_as_foreign(running, "X-Forwarded-Host")


def test_what_would_pass_for_a_proxys_word_is_not(running):
    assert asked_as_foreign(running, "X_Forwarded_Host") == 200


@pytest.mark.parametrize("part", ["jobs.worker", "jobs.clock", "sandbox", "valkey"])
def test_a_child_that_is_killed_is_started_again(running, part):
    until(lambda: running.pid_of(part))
    killed = running.pid_of(part)

    os.kill(killed, signal.SIGKILL)

    until(lambda: running.pid_of(part) not in (None, killed))


@pytest.mark.parametrize("killed", [0, 1], ids=["the server", "its worker"])
def test_a_web_server_that_is_killed_is_whole_again_and_nothing_of_it_is_left(running, killed):
    until(lambda: len(running.pids_of("granian")) == 2 and running.answers())
    before = running.pids_of("granian")

    os.kill(before[killed], signal.SIGKILL)

    until(lambda: not {*before[killed:]} & {*running.pids_of("granian")})  # without the server no worker goes on
    until(lambda: len(running.pids_of("granian")) == 2 and running.answers())


def test_a_restart_is_noted_for_the_home_screen(running):
    until(lambda: running.pid_of("jobs.clock"))
    killed = running.pid_of("jobs.clock")
    os.kill(killed, signal.SIGKILL)
    engine = create_engine(f"sqlite:///{running.folder / 'var' / 'groupkeeper.db'}")

    def restarts() -> int:
        with engine.connect() as db:
            return db.execute(text("select restarts from heartbeats where name = 'clock'")).scalar() or 0

    until(restarts)
    engine.dispose()


def test_ctrl_c_stops_all_of_it_and_leaves_nothing_behind(tmp_path):
    with ready(tmp_path) as one:
        one.process.send_signal(signal.SIGINT)
        one.process.wait(10)

    assert (one.process.returncode, one.children()) == (0, {})


def test_a_supervisor_that_is_killed_takes_its_children_along(tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux ends children with their parent")
    with ready(tmp_path) as one:
        one.process.kill()
        one.process.wait(10)

        until(lambda: not one.children())
