"""The clock: hands out what is due, and does the chores. Two of them do no harm."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobs import messages, parts, upkeep
from service.embedded import valkey
from service.logs import set_up_logging

log = logging.getLogger(__name__)

TICK = 1.0
QUICK_TICK = 0.2
"""Seconds between two looks at what is due; the second where the practice clock races."""


@dataclass
class Chore:
    """Something to be done every so many seconds of the machine."""

    do: Callable[[], object]
    every: float
    next_at: float = field(default=0.0)

    def run(self) -> None:
        """One that fails is tried again at its next time, and does not hold up the others."""
        started = time.monotonic()
        if started < self.next_at:
            return
        self.next_at = started + self.every
        try:
            self.do()
        except Exception:
            log.exception("%s failed", getattr(self.do, "__name__", "chore"))


def chores(rate: float) -> list[Chore]:
    """What runs how often. A practice clock that races makes the schedule's chores more frequent."""
    quick = rate > 1
    return [
        Chore(messages.hand_out, QUICK_TICK if quick else TICK),
        Chore(upkeep.put_away, 2.0 if quick else 10.0),
        Chore(upkeep.plan_ahead, max(2.0, 300.0 / rate)),
        Chore(upkeep.show_alive, 5.0),
    ]


def run() -> None:
    set_up_logging(parts().settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with valkey(parts().settings):
        every = chores(parts().clock.rate)
        shortest = min(chore.every for chore in every)
        while not stop.is_set():
            for chore in every:
                chore.run()
            stop.wait(shortest)


if __name__ == "__main__":
    run()
