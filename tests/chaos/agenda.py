"""What is to be done, and when."""

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

Act = Callable[[], object]


class Agenda:
    """Instants and acts. Anybody may add to it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Act]] = []
        self._numbers = count()
        self._lock = threading.Lock()

    def at(self, moment: float, act: Act) -> None:
        with self._lock:
            heapq.heappush(self._waiting, (moment, next(self._numbers), act))

    def due(self) -> Iterator[Act]:
        """Takes out, one by one, what is to be done by now."""
        while True:
            with self._lock:
                if not self._waiting or self._waiting[0][0] > time.time():
                    return
                _, _, act = heapq.heappop(self._waiting)
            yield act

    @property
    def is_empty(self) -> bool:
        with self._lock:
            return not self._waiting
