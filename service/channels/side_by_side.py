"""Many calls to the providers at once, on the thread that asks for them.

Each runs as a greenlet: the official clients, which know nothing of it, go on when there is something to read. A
thread for each call hands the interpreter from one to the next several times a call, and needs a queue and locks.
"""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from math import inf
from typing import TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")
R = TypeVar("R")


class SideBySide:
    """The calls that one thread has begun. No other thread may use it."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._waiting: dict[int, tuple[_Call, float]] = {}
        self._unasked: list[_Call] = []

    def begin(self, call: Callable[[], None], by: float = inf) -> None:
        """Run it up to where it must wait. What it raises is raised here, or where it goes on.

        `by`, on the machine's monotonic clock: what it has not asked by then it never asks.
        """
        begun = _Call(self, call, by)
        self._unasked.append(begun)
        begun.switch()

    def wait_until_asked(self) -> None:
        """Until each that was begun has put its question to the provider, or never will."""
        for call in self._unasked:
            while call.is_to_ask:
                self.go_on(call.by)
        self._unasked.clear()

    def go_on(self, until: float) -> None:
        """Wait, up to then on the machine's monotonic clock, until one may go on; let all go on that may."""
        ends = min((ends for _, ends in self._waiting.values()), default=until)
        left = max(0.0, min(ends, until) - time.monotonic())
        for number, _ in self._poll.poll(1000 * left):
            self._wake(number, is_ready=True)
        now = time.monotonic()
        for number in [number for number, (_, ends) in self._waiting.items() if ends <= now]:
            self._wake(number, is_ready=False)

    def wait(self, number: int, what_for: int, ends: float) -> bool:
        """Within a call: let the others go on until this may. Returns whether it is so."""
        call = getcurrent()
        assert isinstance(call, _Call)
        self._poll.register(number, what_for)
        self._waiting[number] = (call, ends)
        try:
            return bool(call.parent.switch())
        finally:
            if self._waiting.pop(number, None):
                self._poll.unregister(number)

    def _wake(self, number: int, *, is_ready: bool) -> None:
        call, _ = self._waiting.pop(number)
        self._poll.unregister(number)
        call.parent = getcurrent()
        call.switch(is_ready)


class _Call(greenlet):  # type: ignore[misc]  # it has no types
    def __init__(self, side_by_side: SideBySide, call: Callable[[], None], by: float) -> None:
        super().__init__(call)
        self.side_by_side, self.by = side_by_side, by
        self.has_asked = False

    @property
    def is_to_ask(self) -> bool:
        return not (self.has_asked or self.dead) and time.monotonic() < self.by


def each(do: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What it returns for each of them, all begun at once."""
    calls, found = SideBySide(), dict[int, R]()

    def keep(place: int, item: T) -> None:
        found[place] = do(item)

    count = 0
    for place, item in enumerate(items):
        count += 1
        calls.begin(partial(keep, place, item))
    while len(found) < count:
        calls.go_on(time.monotonic() + 1.0)
    return [found[place] for place in range(count)]


def may_ask() -> bool:
    """Whether it is not too late yet for this call to put its question, or another one after it."""
    call = getcurrent()
    return not isinstance(call, _Call) or call.has_asked or time.monotonic() < call.by


def has_asked() -> None:
    """This call has put its question. May be said twice."""
    call = getcurrent()
    if isinstance(call, _Call):
        call.has_asked = True


def wait_until_readable(of: socket.socket, ends: float) -> None:
    """Let other calls go on until it can be read, or the time has come. Raises TimeoutError."""
    _wait(of.fileno(), select.POLLIN, ends)


def wait_until_writable(to: socket.socket, ends: float) -> None:
    """Let other calls go on until it can be written to, or the time has come. Raises TimeoutError."""
    _wait(to.fileno(), select.POLLOUT, ends)


def elsewhere(do: Callable[[], T]) -> T:
    """What only a thread can wait for (a name that is looked up, a handshake), in one of its own: no other call is held
    up. Raises what it raises."""
    if not isinstance(getcurrent(), _Call):
        return do()
    future: Future[T] = Future()
    ours, theirs = socket.socketpair()
    with ours:
        threading.Thread(target=_do, args=(do, future, theirs), daemon=True).start()
        wait_until_readable(ours, inf)
    return future.result()


def _do(do: Callable[[], T], future: "Future[T]", tells: socket.socket) -> None:
    with tells:
        try:
            future.set_result(do())
        except BaseException as error:
            future.set_exception(error)


def _wait(number: int, what_for: int, ends: float) -> None:
    call = getcurrent()
    if isinstance(call, _Call):
        is_ready = call.side_by_side.wait(number, what_for, ends)
    else:
        is_ready = _wait_alone(number, what_for, ends)
    if not is_ready:
        raise TimeoutError("the answer is late")


def _wait_alone(number: int, what_for: int, ends: float) -> bool:
    poll = select.poll()
    poll.register(number, what_for)
    return bool(poll.poll(1000 * max(0.0, ends - time.monotonic())))
