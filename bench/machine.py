"""What processes cost: processor seconds and memory by /proc, and how busy the machine is otherwise."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.embedded import die_with_parent

ROOT = Path(__file__).parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 10.0


def load() -> float:
    """The load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def cpu(*pids: int) -> float:
    """Processor seconds of these processes and all that came of them, also of children that are over."""
    return sum(_seconds(pid) for pid in _with_children(pids))


@dataclass
class Meter:
    """Processor seconds of several groups of processes, from its making on."""

    pids: Mapping[str, Sequence[int]]
    _before: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._before = self._now()

    def spent(self) -> dict[str, float]:
        now = self._now()
        return {name: now[name] - self._before[name] for name in now}

    def _now(self) -> dict[str, float]:
        return {name: cpu(*pids) for name, pids in self.pids.items()}


def rss_mb(*pids: int) -> float:
    """What these processes and their children hold in memory. Pages that they share count for each."""
    return round(sum(_status(pid, "VmRSS") for pid in _with_children(pids)) / 1024, 1)


def peak_mb(pid: int) -> float:
    """The most that one process has held in memory."""
    return round(_status(pid, "VmHWM") / 1024, 1)


@contextmanager
def running(
    arguments: Sequence[str | Path], environ: Mapping[str, str], log: Path, count: int = 1
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many processes of one command, in groups of their own; stopped at the end, whatever happened."""
    with log.open("ab") as said:
        made = [
            subprocess.Popen(
                [str(one) for one in arguments],
                env={**os.environ, **environ},
                cwd=ROOT,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
            for _ in range(count)
        ]
    try:
        yield made
    finally:
        for process in made:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            if number is signal.SIGTERM:
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)  # what it forked as well
        except ProcessLookupError:
            pass
        try:
            process.wait(STOP_SECONDS if number is signal.SIGTERM else None)
        except subprocess.TimeoutExpired:
            continue


def wait_until_idle(pids: Sequence[int], most: float, calm: float = 1.0) -> None:
    """Until these processes have done next to nothing for `calm` seconds, or `most` seconds are over."""
    ends = time.monotonic() + most
    before = cpu(*pids)
    while time.monotonic() < ends:
        time.sleep(calm)
        now = cpu(*pids)
        if now - before < 0.05 * calm:
            return
        before = now


def _with_children(pids: Sequence[int]) -> set[int]:
    found = set(pids)
    parents = _parents()
    fresh = found
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found = found | fresh
    return found


def _parents() -> dict[int, int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (fields := _stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    return parents


def _seconds(pid: int) -> float:
    """The process's own, and those of its children that have ended and were waited for."""
    fields = _stat(pid)
    return sum(int(field) for field in fields[11:15]) / TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on. Empty for a process that is over."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _status(pid: int, name: str) -> int:
    """Kilobytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
