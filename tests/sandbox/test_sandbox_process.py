"""The sandbox as a process: how it starts, stops, is killed, and comes back."""

import contextlib
import itertools
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest

from sandbox import config
from sandbox.box import Box
from sandbox.clock import Clock
from sandbox.phone.thread import bubbles

ALICE = "+12025550143"


@contextlib.contextmanager
def running(folder, *options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def send(line: HTTPConnection, body: str, to: str = ALICE) -> dict:
    secret = b64encode(f"{config.API_KEY}:{config.API_SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode({"To": to, "From": config.NUMBER, "Body": body})
    line.request("POST", f"/2010-04-01/Accounts/{config.ACCOUNT}/Messages.json", form, headers)
    answer = line.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 201, told
    return told


def connection(url: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(url).netloc, timeout=20)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_when_asked(tmp_path, how):
    with running(tmp_path) as (process, url), contextlib.closing(connection(url)) as line:
        send(line, "Hello")
        started = time.monotonic()
        process.send_signal(how)

        assert process.wait(5) == 0
        assert time.monotonic() - started < 3  # on a loaded machine; alone it takes a thirtieth of a second
        assert process.stderr.read() == ""


def test_a_taken_port_is_told_in_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "sandbox", "--port", port, "--data", str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)

    assert told.returncode == 2
    assert told.stderr == f"Port {port} is taken: stop what listens there, or pass another --port.\n"
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("clock", ["now", "2026-03-06T12:00:00", "2026-03-06T12:00:00@2026-03-06T12:00:00Z"])
def test_a_clock_that_cannot_be_read_is_refused(tmp_path, clock):
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(tmp_path), "--clock", clock]

    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_the_clock_is_the_one_it_was_given(tmp_path):
    real = time.time()
    spec = f"2026-03-06T12:00:00Z@{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(real))}*600"
    with running(tmp_path, "--clock", spec) as (_, url), urlopen(f"{url}/_sandbox/clock", timeout=20) as answer:
        told = json.loads(answer.read())
        passed = told["now"] - Clock.from_spec("2026-03-06T12:00:00Z@2026-03-06T12:00:00Z*0").now()

        assert told["rate"] == 600
        assert 0 <= passed <= (time.time() - real + 1) * 600


def test_it_listens_to_this_machine_only(tmp_path):
    with Box(tmp_path) as box:
        address = box._doors[0]._server.server_address

        assert address[0] == "127.0.0.1"


def test_whoever_saw_a_2xx_finds_it_in_the_ledger_after_a_kill(tmp_path):
    """At 20 moments, each a little later into the work of 8 clients."""
    for number in range(20):
        folder = tmp_path / str(number)
        with running(folder) as (process, url):
            seen = _send_until_it_dies(process, url, after=0.01 + number * 0.013)
        with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as db:
            written = {row[0] for row in db.execute("SELECT provider_id FROM accepted")}
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)

        assert seen <= written
        assert len(written - seen) <= 8  # what was on its way to a client


def _send_until_it_dies(process: subprocess.Popen, url: str, after: float) -> set[str]:
    seen: set[str] = set()
    numbers = itertools.count()

    def work() -> None:
        with contextlib.closing(connection(url)) as line, contextlib.suppress(OSError, HTTPException, ValueError):
            while True:
                seen.add(send(line, f"number {next(numbers)}")["sid"])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(after)
    process.kill()
    for thread in threads:
        thread.join()
    return seen


def test_what_was_accepted_before_a_kill_can_still_be_read_and_goes_on_its_way(tmp_path, app):
    with running(tmp_path, "--app-url", app.url) as (process, url), contextlib.closing(connection(url)) as line:
        sid = send(line, "Hello")["sid"]
        line.request("POST", "/_sandbox/inbound/sms", json.dumps({"from": "+12025550187", "body": "STOP"}))
        line.getresponse().read()
        process.kill()

    with Box(tmp_path, clock=Clock(rate=0)) as box:
        texts = box.world.texts
        assert texts.by_sid[sid].body == "Hello"
        assert (config.SERVICE, "+12025550187") in texts.blocked
        assert len(box.world.agenda) == 1
        assert box.world.lives.knows(ALICE)


def test_everything_is_as_it_was_after_a_restart(sandbox, tmp_path, text, mail, twilio):
    _, redacted, deleted = (text(f"+1202555010{n}", f"text {n}") for n in range(3))
    mail()
    mail("bounce@a.sandbox.test")
    sandbox.settle()
    sandbox.advance(120)
    twilio.messages(redacted.sid).update(body="")
    twilio.messages(deleted.sid).delete()
    for body in ("STOP", "START", "Hello"):
        sandbox.text("+12025550100", body)
    sandbox.text("+12025550101", "STOP")
    sandbox.settle()
    before = _told(sandbox.box)
    sandbox.box.stop()

    with Box(tmp_path, clock=Clock(sandbox.box.world.clock.now(), rate=0)) as again:
        assert _told(again) == before
        assert len(again.world.agenda) == 0


def _told(box: Box) -> tuple:
    """What each person sees, who is blocked, and who is not mailed."""
    people = [person for person, _ in box.world.lives.newest_first(100)]
    screens = {person: [replace(one, mail=None) for one in bubbles(box.world, person)] for person in people}
    suppressed = {name: sorted(entries) for name, entries in box.world.mailroom.suppressed.items()}
    return people, screens, box.world.texts.blocked, suppressed


def test_sixteen_clients_at_once_lose_nothing_and_share_no_name(tmp_path, app):
    with Box(tmp_path, clock=Clock(rate=0), app_url=app.url) as box:
        box.world.config.latency, box.world.config.no_receipt = "none", 0.0
        box.world.config.status_url = f"{app.url}/webhooks/twilio/status?m=x"
        seen: list[str] = []

        def work(worker: int) -> None:
            with contextlib.closing(connection(box.url)) as line:
                seen.extend(send(line, f"{worker} {n}", f"+1202{worker:03}{n:04}")["sid"] for n in range(25))

        threads = [threading.Thread(target=work, args=(100 + n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with urlopen(f"{box.url}/_sandbox/quiesce?ahead=40000&timeout=60", timeout=90) as answer:
            assert json.loads(answer.read())["quiet"]

        assert len(set(seen)) == len(seen) == 400
        assert {row["provider_id"] for row in box.world.ledger.rows("accepted")} == set(seen)
        assert len(app.calls) == 800
        assert {call.form["MessageSid"] for call in app.calls if call.form["MessageStatus"] == "delivered"} == set(seen)


def test_64_connections_are_served_side_by_side(tmp_path):
    with Box(tmp_path) as box, contextlib.ExitStack() as lines:
        opened = [lines.enter_context(contextlib.closing(connection(box.url))) for _ in range(64)]
        for line in opened:
            line.connect()

        assert len({send(line, f"number {n}", f"+12025550{n:03}")["sid"] for n, line in enumerate(opened)}) == 64
