"""The calls to the providers that are under way: side by side, no transaction open once they have begun."""

import time
from collections.abc import Sequence
from logging import getLogger
from queue import Empty, SimpleQueue
from threading import Event, Lock

from service.channels import Ambiguous, ChannelError, NotAccepted, Receipt
from service.failpoints import reach
from service.flows.post import Outcome, Post, Sending
from service.journal import Journal, Line

log = getLogger(__name__)

CALLS_AT_ONCE = 64
"""Of one process: more threads hand over to each other more than they send."""
TOGETHER = 32
"""So many are marked, and recorded, in one transaction: a crash leaves no more questions than are under way."""
WAIT_FOR_MORE = 0.02
"""Seconds after the first answer in which others may join it."""

HELD_UP = "held up for too long to call"

Answered = tuple[Sending, Outcome]


class _Start:
    """Which calls of a group are still to begin. Each begins in time, or never."""

    def __init__(self, marked: Sequence[Sending], by: float) -> None:
        self._by = by
        self._lock, self._all = Lock(), Event()
        self._waiting = {id(sending) for sending in marked}

    def begin(self, sending: Sending) -> bool:
        is_in_time = time.monotonic() < min(self._by, sending.call_by)
        self.settle(sending)
        return is_in_time

    def settle(self, sending: Sending) -> None:
        """It has begun, or never will. Safe to repeat."""
        with self._lock:
            self._waiting.discard(id(sending))
            if not self._waiting:
                self._all.set()

    def wait(self) -> None:
        self._all.wait(max(0.0, self._by - time.monotonic()))


class Calls:
    """Those that this worker has begun and not yet heard the answer of."""

    def __init__(self, post: Post) -> None:
        self.under_way = 0
        self.journal = Journal(post.data_dir)
        self._post = post
        self._answers: SimpleQueue[Answered | BaseException] = SimpleQueue()

    @property
    def room(self) -> int:
        """How many may be marked now: what is marked is called at once."""
        return TOGETHER if CALLS_AT_ONCE - self.under_way >= TOGETHER else 0

    def start(self, marked: Sequence[Sending], by: float) -> None:
        """Begin these calls. When this returns each has begun, or never will: `by` the machine's monotonic clock."""
        start = _Start(marked, by)
        for sending in marked:
            self.under_way += 1
            self._post.calls.submit(self._call, sending, start)
        start.wait()

    def answered(self, wait: float) -> list[Answered]:
        """What has come back within `wait` seconds: a good part of what is under way, so that it shares a transaction,
        but nothing waits for long after the first."""
        found: list[Answered] = []
        ends = time.monotonic() + wait
        while self.under_way and len(found) < TOGETHER:
            try:
                answer = self._answers.get(timeout=max(0.0, ends - time.monotonic()))
            except Empty:
                break
            self.under_way -= 1
            if isinstance(answer, BaseException):
                raise answer
            ends = ends if found else time.monotonic() + WAIT_FOR_MORE
            found.append(answer)
        return found

    def _call(self, sending: Sending, start: _Start) -> None:
        try:
            self._answers.put((sending, self._hand_over(sending, start)))
        except BaseException as error:  # the process is to end: let the worker's own thread do it
            start.settle(sending)
            self._answers.put(error)

    def _hand_over(self, sending: Sending, start: _Start) -> Outcome:
        """Call the provider. What it took over is in the journal before anything else is done with it."""
        try:
            reach("before_call")
            if not start.begin(sending):
                return NotAccepted(HELD_UP)
            receipt = self._post.channels[sending.channel].send(sending.message)
            reach("answered")
        except ChannelError as failure:
            return failure
        except Exception as error:  # a bug of ours: it may have been sent, and the others of its batch were
            log.exception("delivery %s: the channel broke", sending.delivery_id)
            return Ambiguous(f"broken: {type(error).__name__}")
        self._note(sending, receipt)
        return receipt

    def _note(self, sending: Sending, receipt: Receipt) -> None:
        try:
            self.journal.note(Line(str(sending.delivery_id), sending.fence, receipt.provider_id))
        except OSError:  # a full disk: the report and the look-up find it all the same
            log.exception("delivery %s could not be noted", sending.delivery_id)
