"""Twilio reports on each text by itself, many at a time. Reports that wait together share a transaction."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError

from service.flows.settle import Report

Settle = Callable[[Sequence[Report]], None]


class NotSettled(Exception):
    """Whoever was to settle it came to an end before."""


@dataclass(eq=False)
class _Waiting:
    report: Report
    told: threading.Event = field(default_factory=threading.Event)
    """It is done; or it is this one's turn to settle what waits."""
    is_done: bool = False
    failure: Exception | None = field(default_factory=NotSettled)
    """None once it is committed, and not before: what ends in another way must not pass for settled."""


class Intake:
    """Of those that come at once one settles for all: what comes meanwhile is the next one's. Nobody is answered before
    theirs is committed."""

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._is_led = False

    def take(self, report: Report) -> None:
        """Returns once it is committed; raises what kept it from that."""
        mine = _Waiting(report)
        with self._lock:
            self._waiting.append(mine)
            must_wait, self._is_led = self._is_led, True
        if must_wait:
            mine.told.wait()
        if not mine.is_done:
            self._take_all()
        if mine.failure is not None:
            raise mine.failure

    def _take_all(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            _settled(self._settle, batch)
        finally:
            self._hand_on(batch)

    def _hand_on(self, batch: Sequence[_Waiting]) -> None:
        for one in batch:
            one.is_done = True
            one.told.set()
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].told.set()


def _settled(settle: Settle, batch: Sequence[_Waiting]) -> None:
    try:
        settle([one.report for one in batch])
        for one in batch:
            one.failure = None
    except OperationalError as failure:  # the database is away: each by itself would wait for it in turn
        for one in batch:
            one.failure = failure
    except Exception as failure:
        if len(batch) == 1:
            batch[0].failure = failure
            return
        for one in batch:  # one that is broken must not keep the others from being settled
            _settled(settle, [one])
