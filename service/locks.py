"""Locks between the processes of one machine. One ends with its process, however that ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOKS_EVERY = 0.001
"""Seconds. To wait in the kernel would be for ever: for a process that was frozen with the lock, too."""


@contextmanager
def file_lock(path: Path, patience: float, *, shared: bool = False) -> Iterator[None]:
    """The lock of this file, which is made where it is not there. Goes on without it when `patience` (seconds) ends."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    try:
        wait_for(lambda: _is_had(lock, kind), patience)
        yield
    finally:
        os.close(lock)


def wait_for(is_had: Callable[[], bool], patience: float) -> None:
    """Ask again and again, for so many seconds."""
    ends = time.monotonic() + patience
    while not is_had() and time.monotonic() < ends:
        time.sleep(LOOKS_EVERY)


def _is_had(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind)
    except BlockingIOError:
        return False
    return True
