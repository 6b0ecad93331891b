"""Twilio reports on each text by itself, many at a time. Reports that wait together share a transaction."""

import asyncio
from asyncio import Future, Task
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from logging import getLogger

from service.flows.settle import Report

log = getLogger(__name__)

A_MOMENT = 0.003
"""Seconds in which those that were just answered mostly come again. Else a few callers would split into two halves, of
which one always waits for the other's commit."""
ENOUGH = 32
"""Reports that wait for no more: shared by so many, a commit costs each of them little."""

SettleEach = Callable[[Sequence[Report]], Sequence[Exception | None]]
"""Says what kept each report from being committed, None for those that are."""


class NotSettled(Exception):
    """Whoever was to settle it came to an end before."""


class Intake:
    """One thread settles batch after batch: what comes meanwhile is the next one's. Nobody is answered before theirs is
    committed. All of it but the settling is the event loop's."""

    def __init__(self, settle_each: SettleEach) -> None:
        self._settle_each = settle_each
        self._thread = ThreadPoolExecutor(1, "intake")
        self._waiting: list[tuple[Report, Future[None]]] = []
        self._at_work: Task[None] | None = None
        self._enough, self._are_enough = 0, asyncio.Event()

    async def take(self, report: Report) -> None:
        """Returns once it is committed; raises what kept it from that."""
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        self._waiting.append((report, told))
        if len(self._waiting) >= self._enough:
            self._are_enough.set()
        if self._at_work is None:
            self._at_work = loop.create_task(self._take_all())
        await told

    def close(self) -> None:
        self._thread.shutdown()

    async def _take_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failures = await self._failures([report for report, _ in batch])
            crowd = len(batch) + len(self._waiting)
            for (_, told), failure in zip(batch, failures, strict=True):
                _tell(told, failure)
            await self._gather(min(crowd, ENOUGH))
        self._at_work = None

    async def _gather(self, enough: int) -> None:
        """Wait a moment for so many. One that comes alone waits for nobody."""
        if enough == 1 or len(self._waiting) >= enough:
            return
        self._enough = enough
        self._are_enough.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._are_enough.wait(), A_MOMENT)

    async def _failures(self, reports: Sequence[Report]) -> Sequence[Exception | None]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._settle_each, reports)
        except BaseException:  # also where the thread was told to end: what waits must not wait for ever
            log.exception("%d reports were given up", len(reports))
            return [NotSettled() for _ in reports]


def _tell(told: Future[None], failure: Exception | None) -> None:
    if told.done():  # whoever waited was cancelled
        return
    if failure is None:
        told.set_result(None)
    else:
        told.set_exception(failure)
