"""The benchmark's own run of the product, small: it counts right, and nothing is lost or doubled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import installation
from bench.databases import Kind, databases
from bench.product_runs import Case, run_product
from bench.provider import provider
from service.rules.consent import Choice

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_message_of_a_run_is_accepted_once_and_paid_for(tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "KEPT", tmp_path / "kept")
    with provider(tmp_path / "provider") as emulator, databases(tmp_path / "postgres") as made:
        run = run_product(Case(60, Choice.SMS, Kind.SQLITE), emulator, made, tmp_path / "run")

    assert (run.wanted, run.accepted, run.lost, run.doubled) == (60, 60, 0, 0)
    assert run.more["early"] == 0
    assert 0 < run.p50 <= run.p99 <= run.took
    assert 0 < run.peak <= 100
    assert run.cpu > 0
    assert run.commits > 0


def test_the_command_lists_the_benchmarks_and_refuses_others():
    command = [sys.executable, "-m", "service", "bench"]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True, cwd="/")
    refused = subprocess.run([*command, "nothing"], capture_output=True, text=True, check=False, env=os.environ)

    assert [line.split()[0] for line in listed.stdout.splitlines()][:2] == ["sms", "email"]
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("There is no benchmark nothing.")
