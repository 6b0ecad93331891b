"""Waiting for what another does in its own time."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from service.channels.side_by_side import has_asked, wait_until_readable

T = TypeVar("T")


def eventually(find: Callable[[], T], wanted: T, seconds: float = 20) -> T:
    """What is found in the end: `wanted` as soon as it is, or whatever is there when the time is over."""
    deadline = time.monotonic() + seconds
    while (found := find()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns, from a loop of its own in a thread of its own: in this one a browser's loop may run."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def think(seconds: float) -> None:
    """As a provider does it: other calls of the same worker go on meanwhile."""
    has_asked()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            wait_until_readable(ours, time.monotonic() + seconds)
        except TimeoutError:
            return
