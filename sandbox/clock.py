"""Virtual time: what the sandbox takes for now, and what it has yet to do.

Instants are seconds since 1970 in UTC, as floats.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

log = logging.getLogger(__name__)

Action = Callable[[float], None]
"""Something to do later. It is given the instant that it was due, not the one at which it runs."""


class Clock:
    """Virtual now = virtual anchor + (real now - real anchor) * rate."""

    def __init__(self, virtual: float | None = None, real: float | None = None, rate: float = 1.0) -> None:
        self._real = time.time() if real is None else real
        self._virtual = self._real if virtual is None else virtual
        self.rate = rate

    @classmethod
    def from_spec(cls, spec: str) -> "Clock":
        """Read `<virtual instant>@<real instant>*<rate>`; the rate may be left out. ValueError if it is not one."""
        instants, _, rate = spec.partition("*")
        virtual, at, real = instants.partition("@")
        if not at:
            raise ValueError("a clock is written <virtual instant>@<real instant>*<rate>")
        return cls(_instant(virtual), _instant(real), float(rate) if rate else 1.0)

    def now(self) -> float:
        return self._virtual + (time.time() - self._real) * self.rate

    def set(self, moment: float) -> None:
        """It is `moment` now."""
        self._virtual, self._real = moment, time.time()

    def advance(self, seconds: float) -> None:
        self._virtual += seconds

    def set_rate(self, rate: float) -> None:
        """From now on, `rate` virtual seconds pass in a real one. 0 stops the clock: only `advance` moves it."""
        self._virtual, self._real = self.now(), time.time()
        self.rate = rate


def _instant(text: str) -> float:
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()


def utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


class Agenda:
    """What is to be done, and at which virtual instant. One thread does it, the earliest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Action]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._is_running = False
        self._is_over = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="agenda", daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def at(self, moment: float, action: Action) -> None:
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._numbers), action))
            if self._due[0][0] == moment:
                self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._due.clear()

    def wake(self) -> None:
        """Look at the clock again: somebody moved it."""
        with self._changed:
            self._changed.notify_all()

    def next_due(self) -> float | None:
        with self._changed:
            return self._due[0][0] if self._due else None

    def __len__(self) -> int:
        """How much is still to be done, what is being done included."""
        with self._changed:
            return len(self._due) + self._is_running

    def settle(self, timeout: float) -> bool:
        """Wait until all that is due by now is done. Blocks for at most `timeout` real seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_running and self._wait() > 0, timeout)

    def _run(self) -> None:
        while (step := self._next()) is not None:
            due, action = step
            try:
                action(due)
            except Exception:  # one broken thing must not stop all that comes after it
                log.exception("something on the agenda broke")

    def _next(self) -> tuple[float, Action] | None:
        with self._changed:
            self._is_running = False
            self._changed.notify_all()
            while not self._is_over and (wait := self._wait()) > 0:
                self._changed.wait(min(wait, 3600.0))
            if self._is_over:
                return None
            self._is_running = True
            due, _, action = heapq.heappop(self._due)
            return due, action

    def _wait(self) -> float:
        """Real seconds until the next thing is due; endless when there is none, or when the clock stands still."""
        if not self._due:
            return float("inf")
        ahead = self._due[0][0] - self._clock.now()
        if ahead <= 0:
            return 0.0
        return ahead / self._clock.rate if self._clock.rate > 0 else float("inf")
