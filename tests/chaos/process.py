"""A process that is started, killed, frozen, and started again."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

COMES_UP_WITHIN = 3.0


@dataclass
class Process:
    """A process in a group of its own, so that nothing of it outlives a kill. Started from the main thread only: on
    Linux it dies with the thread that started it."""

    name: str
    arguments: list[str]
    environ: Mapping[str, str]
    log: Path
    cwd: Path
    died_at: float = 0.0
    is_frozen: bool = False
    started_at: float = 0.0
    _running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.started_at, self.died_at, self.is_frozen = time.monotonic(), 0.0, False
        with self.log.open("a") as log:
            self._running = subprocess.Popen(
                self.arguments,
                env=dict(self.environ),
                cwd=self.cwd,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._running.pid if self._running else 0

    @property
    def is_alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def is_up(self) -> bool:
        return self.is_alive and time.monotonic() - self.started_at > COMES_UP_WITHIN

    def signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._running:
            self._running.wait()

    def stop(self) -> None:
        """Ask it to end, and do not take no for an answer."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._running:
            with suppress(subprocess.TimeoutExpired):
                self._running.wait(5)
        self.kill()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
