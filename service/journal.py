"""What the provider took over, on disk from the moment it says so until the database knows.

A process that is killed in between, or whose database is away, leaves its journal behind; whoever looks next need not
ask the provider. Ids only: ours, and the provider's.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "journal"


@dataclass(frozen=True)
class Line:
    """A delivery, the fence it was marked with, and what the provider calls it."""

    delivery_id: str
    fence: int
    provider_id: str


class Journal:
    """Of one run of deliveries. Its file is there from the first line on, and locked while the process lives."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._handle = -1

    def note(self, line: Line) -> None:
        """One write, from any thread: it outlives the process, if not the machine."""
        with self._lock:
            if self._path is None:
                self._open()
        os.write(self._handle, json.dumps(vars(line)).encode() + b"\n")

    def done(self) -> None:
        """The database knows everything."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """The database does not know everything: left for whoever looks next."""
        if self._path is not None:
            os.close(self._handle)
        self._path, self._handle = None, -1

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while self._path is None:
            path = self._folder / f"{os.getpid()}-{os.urandom(4).hex()}"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():  # nobody took it for left behind before it was locked
                self._path, self._handle = path, handle
            else:
                os.close(handle)


def left_behind(data_dir: Path) -> Iterator[tuple[Path, list[Line]]]:
    """The journals of processes that are gone, each locked while it is looked at. Remove it once the database knows."""
    for path in sorted((data_dir / FOLDER).glob("*")):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path, list(_lines(path))
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


def _lines(path: Path) -> Iterator[Line]:
    for text in path.read_text("utf-8", "replace").splitlines():
        try:
            yield Line(**json.loads(text))
        except (ValueError, TypeError):  # the last line of a process that was killed while it wrote
            return
