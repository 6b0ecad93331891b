"""Nothing has come up yet: on a busy machine that takes its time, and where a process keeps dying it never will."""

import os
import socket
import sys

import pytest

from service import supervisor
from service.settings import Settings
from service.supervisor import Child, Supervisor

ELSEWHERE = {"TWILIO_API_BASE": "http://127.0.0.1:1", "SENDGRID_API_BASE": "http://127.0.0.1:1"}
SLOW = "import socket, time; time.sleep(1); s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"


@pytest.fixture
def starting(monkeypatch):
    """A supervisor whose one child runs this, half a second after which it would give up."""
    monkeypatch.setattr(supervisor, "READY_SECONDS", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Supervisor(Settings.from_env({**ELSEWHERE, "PORT": str(port)}))

    def start(code):
        child = Child("web", (sys.executable, "-c", code.format(port=port)), dict(os.environ))
        made._children = [child]
        child.start()
        return made._wait_until_ready()

    yield start
    made._stop_all()


def test_a_busy_machine_is_waited_for_and_that_is_said(starting, capsys):
    assert starting(SLOW)
    said = capsys.readouterr()
    assert "takes longer than usual" in said.err
    assert "Groupkeeper is ready" in said.out


def test_where_a_process_keeps_dying_nobody_waits_long(starting, capsys):
    assert not starting("raise SystemExit('the port is bewitched')")
    assert "What went wrong stands above." in capsys.readouterr().err


def test_what_never_comes_up_is_given_up_in_the_end(starting, monkeypatch, capsys):
    monkeypatch.setattr(supervisor, "BUSY_SECONDS", 1.0, raising=False)

    assert not starting("import time; time.sleep(60)")
    assert "stands above" not in capsys.readouterr().err
