"""`python -m bench [NAME ...]`: benchmarks by name, or goals as G9; all of them without a name."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, report
from bench.at_rest import at_rest
from bench.callbacks import callbacks
from bench.claim import claim
from bench.databases import databases
from bench.email import email
from bench.figures import Bench, Figure, Goal, Suite, figure
from bench.memory import memory
from bench.pages import pages
from bench.peer_runs import NoPeersError
from bench.planning import planning
from bench.provider import provider
from bench.sms import sms
from tests.cluster import NoPostgresError

SUITES: dict[str, tuple[Suite, tuple[str, ...]]] = {
    "sms": (sms, ("G1", "G2", "G3", "G4", "G5", "G6", "G8", "G13")),
    "email": (email, ("G7",)),
    "claim": (claim, ("G9",)),
    "memory": (memory, ("G10",)),
    "planning": (planning, ("G11",)),
    "callbacks": (callbacks, ("G12",)),
    "pages": (pages, ("pages",)),
    "rest": (at_rest, ("rest",)),
}
EXACT = Goal("G14", "lost and doubled in every run, counted at the provider", 0, 0, unit="messages")


def main() -> int:
    asked = _arguments()
    if asked.list:
        for name, (suite, goals) in SUITES.items():
            print(f"{name:10} {', '.join(goals):36} {(sys.modules[suite.__module__].__doc__ or '').strip()}")
        return 0
    unknown = [name for name in asked.names if not _suites([name])]
    if unknown:
        print(f"There is no benchmark {unknown[0]}. There are: {', '.join(SUITES)}, and G1 to G13.", file=sys.stderr)
        return 2
    try:
        _measure(asked)
    except (NoPeersError, NoPostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _measure(asked: argparse.Namespace) -> None:
    began, found = time.monotonic(), []
    started = datetime.now(UTC).isoformat(timespec="minutes")
    with tempfile.TemporaryDirectory(prefix="groupkeeper-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with provider(folder / "provider") as emulator, databases(folder / "postgres") as made:
            for one in _run(asked, Bench(folder, emulator, made, asked.rounds, asked.count, asked.full)):
                print(one.line(), flush=True)
                found.append(one)
    rows = report.keep(found)
    if asked.write:
        report.write(rows)
    print(f"\n{report.table([row for row in rows if row['at'] >= started])}\n")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What performance.md promises, measured.")
    parser.add_argument("names", nargs="*", help="as --list tells them; goals as G9 too")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--rounds", type=int, help="instead of each benchmark's own number")
    parser.add_argument("--count", type=int, help="messages due at once")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--full", action="store_true", help="also ten million rows")
    return parser.parse_args()


def _suites(names: list[str]) -> list[str]:
    """The benchmarks that these names mean."""
    if not names:
        return list(SUITES)
    return [suite for suite, (_, goals) in SUITES.items() if suite in names or set(goals) & set(names)]


def _run(asked: argparse.Namespace, bench: Bench) -> Iterator[Figure]:
    for name in _suites(asked.names):
        before = machine.load()
        found = [one.of(name, (before, 0.0)) for one in SUITES[name][0](bench)]
        after = machine.load()
        for one in found:
            if not asked.names or name in asked.names or one.goal in asked.names:
                yield one.of(name, (before, after))
    if bench.runs:
        lost, doubled = sum(run.lost for run in bench.runs), sum(run.doubled for run in bench.runs)
        sent = sum(run.accepted for run in bench.runs)
        exact = figure(EXACT, lost + doubled, len(bench.runs), lost=lost, doubled=doubled, sent=sent)
        yield exact.of("every run", (machine.load(), machine.load()))


if __name__ == "__main__":
    sys.exit(main())
