import os
import subprocess
import sys
import time
from types import SimpleNamespace

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from twilio.request_validator import RequestValidator

from bench import callers, installation, machine
from bench.counting import sitecustomize
from bench.peers import messages
from bench.runs import outcome
from service.models import Delivery
from service.rules.consent import Choice

BURN = "import time; began = time.process_time()\nwhile time.process_time() - began < 0.3: pass"
BURN_IN_A_CHILD = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); import time; time.sleep(60)"
)


def test_the_time_of_children_that_are_over_counts():
    with subprocess.Popen([sys.executable, "-c", BURN_IN_A_CHILD]) as process:
        meter = machine.Meter({"burnt": [process.pid]})
        ends = time.monotonic() + 60
        while meter.spent()["burnt"] < 0.3 and time.monotonic() < ends:
            time.sleep(0.05)
        spent = meter.spent()["burnt"]
        process.kill()

    assert spent >= 0.3


def test_memory_is_that_of_the_process():
    assert 10 < machine.rss_mb(os.getpid()) <= machine.peak_mb(os.getpid()) + machine.rss_mb(os.getpid())


def test_commits_are_counted_across_processes(tmp_path):
    folder = tmp_path / "commits"
    folder.mkdir()
    script = (
        "from sqlalchemy import create_engine, text\n"
        f"engine = create_engine('sqlite:///{tmp_path}/x.db')\n"
        "for _ in range(3):\n"
        "    with engine.begin() as db: db.execute(text('SELECT 1'))\n"
        "with engine.connect() as db: db.execute(text('SELECT 1'))\n"
    )
    path = os.path.dirname(sitecustomize.__file__)
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": path, "BENCH_COMMITS": str(folder)},
            check=True,
        )

    assert sitecustomize.total(folder) == 6


def test_callbacks_are_signed_as_twilio_signs_them():
    request = callers.signed("https://groups.example.org", "12345", "7b", "delivered").decode()
    head, _, body = request.partition("\r\n\r\n")
    form = dict(pair.split("=") for pair in body.replace("%2B", "+").split("&"))
    signature = next(line for line in head.splitlines() if line.startswith("X-Twilio-Signature")).partition(": ")[2]

    url = "https://groups.example.org/webhooks/twilio/status?m=7b"
    assert RequestValidator("12345").validate(url, form, signature)


def test_what_is_lost_and_doubled_is_told_by_the_provider_alone():
    accepted = [("a", 101.0), ("b", 102.0), ("a", 103.0), ("of somebody else", 104.0)]
    provider = SimpleNamespace(accepted=lambda: accepted, count=lambda: {"peak": 2})

    said = outcome(provider, {"a", "b", "c"}, due=100.0)
    assert (said["accepted"], said["lost"], said["doubled"], said["took"], said["p50"]) == (3, 1, 1, 3.0, 2.0)


def test_everybody_of_a_filled_installation_is_due_at_one_instant(tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "KEPT", tmp_path)
    engine = create_engine(f"sqlite:///{installation.filled(55, Choice.EMAIL)}")
    with Session(engine) as db:
        rows = db.query(Delivery).all()
        groups = db.execute(text("SELECT count(*) FROM groups")).scalar_one()

    assert {(row.state, row.channel, row.due_at, row.next_at) for row in rows} == {
        ("scheduled", "email", installation.DUE, installation.DUE)
    }
    assert (len(rows), groups) == (55, 2)


def test_a_peer_does_not_send_what_was_sent_stopped_or_cancelled(tmp_path):
    engine = messages.connect(tmp_path / "peers.db")
    messages.create(engine)
    now = time.time()

    def row(name: str, **changes: object) -> messages.Message:
        values = {"to": f"+{name}", "body": "b", "session": "s", "due_at": now, "expires_at": now + 60, **changes}
        return messages.Message(id=name, **values)

    rows = [row("1"), row("2"), row("3", session="off"), row("4", sent_at=now), row("5", expires_at=now - 1)]
    messages.fill(engine, rows)
    with Session(engine) as db, db.begin():
        db.add_all([messages.OptOut(number="+2"), messages.Cancellation(session="off")])
    with Session(engine) as db:
        may = [one.id for one in db.query(messages.Message).order_by(messages.Message.id) if messages.may_go(db, one)]

    assert may == ["1"]
