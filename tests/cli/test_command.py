"""The command itself: a process that explains itself and leaves nothing open."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from service.cli.root import root
from service.database import opener
from service.flows.deliver import deliver
from service.models import Delivery
from tests.builders import NOW, on_postgresql, on_sqlite

ROOT = Path(__file__).parents[2]


@on_sqlite
def test_the_command_runs_as_a_process(installed, filled):
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "service", "queue", "--json"],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert UUID(json.loads(ran.stdout)["id"]) == filled.delivery


@on_sqlite
def test_output_that_nobody_reads_is_no_error(installed, filled):
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "queue", "--json"],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.close()
        err = process.stderr.read().decode()

    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@on_sqlite
def test_each_command_explains_itself(cli):
    for name, command in root.commands.items():
        ran = cli(name, "--help")

        assert ran.code == 0
        assert command.help, name


@on_postgresql
def test_a_command_leaves_no_connection_open(installed, filled, engine):
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    with engine.connect() as db:
        before = db.exec_driver_sql(query).scalar_one()
        installed("queue")
        db.rollback()
        assert db.exec_driver_sql(query).scalar_one() == before


def test_what_was_sent_is_in_the_log(installed, filled, engine, post, clock):
    clock.go_to(NOW - timedelta(minutes=5))
    with opener(engine)() as db:
        row = db.get_one(Delivery, filled.delivery)
        row.due_at = row.next_at = clock()
    deliver(post, [filled.delivery])
    (line,) = installed("log", "--json").lines

    assert (line["state"], line["provider_id"], line["attempts"]) == ("accepted", "CONSOLE00000001", 1)
    assert line["marked_at"] == line["accepted_at"] == "2027-01-04T14:55:00.000Z"
