"""The clock: hands out what is due, and does the chores. Two of them do no harm."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from jobs import messages, parts, upkeep
from service.embedded import valkey
from service.logs import set_up_logging

log = logging.getLogger(__name__)

TICK = 1.0
QUICK_TICK = 0.2
"""Seconds between two looks at what is due; the second where the practice clock races."""
SOON = 0.05


@dataclass(frozen=True)
class Chore:
    """Something to be done every so many seconds of the machine, and sooner while there is more of it."""

    do: Callable[[], int | None]
    every: float

    def keep_doing(self, stop: threading.Event) -> None:
        """Until told to stop. One that fails is tried again at its next time."""
        while not stop.is_set():
            stop.wait(SOON if self._did_something() else self.every)

    def _did_something(self) -> bool:
        try:
            return bool(self.do())
        except Exception:
            log.exception("%s failed", getattr(self.do, "__name__", "chore"))
            return False


def chores(rate: float, lease: float) -> list[Chore]:
    """What runs how often. A practice clock that races makes the schedule's chores more frequent; what is left open is
    looked for nine times in a lease."""
    quick = rate > 1
    return [
        Chore(messages.hand_out, QUICK_TICK if quick else TICK),
        Chore(upkeep.call_people, QUICK_TICK if quick else TICK),
        Chore(upkeep.put_away, min(2.0, lease / 9) if quick else lease / 9),
        Chore(upkeep.tell_readers, max(2.0, 300.0 / rate)),
        Chore(upkeep.look_after_members, max(5.0, 3600.0 / rate)),
        Chore(upkeep.plan_ahead, max(2.0, 300.0 / rate)),
        Chore(upkeep.catch_up, max(5.0, 120.0 / rate)),
        Chore(upkeep.forget, max(5.0, 600.0 / rate)),
        Chore(upkeep.blank, max(5.0, 60.0 / rate)),
        Chore(upkeep.note_heads, 600.0),
        Chore(upkeep.show_alive, 5.0),
    ]


def run() -> None:
    set_up_logging(parts().settings)
    stop = messages.stopping
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with valkey(parts().settings):
        # a thread each: a provider that is slow to be asked about old messages must not hold up the new ones
        threads = [
            threading.Thread(target=chore.keep_doing, args=(stop,))
            for chore in chores(parts().clock.rate, parts().settings.patience.lease)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    run()
