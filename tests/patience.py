"""Waiting for what another process does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(find: Callable[[], T], wanted: T, seconds: float = 20) -> T:
    """What is found in the end: `wanted` as soon as it is, or whatever is there when the time is over."""
    deadline = time.monotonic() + seconds
    while (found := find()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
