"""The calls to the providers that are under way: side by side, no transaction open once they have begun."""

import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from logging import getLogger

from service.channels import Ambiguous, ChannelError, HeldUp, Receipt
from service.channels.side_by_side import SideBySide
from service.failpoints import reach
from service.flows.post import Answered, Outcome, Post, Sending
from service.journal import Journal, Line

log = getLogger(__name__)

CALLS_AT_ONCE = 64
"""Of one process. Twilio gives an account some hundred at once, and there are two workers."""
TOGETHER = 32
"""So many are marked, and recorded, in one transaction: a crash leaves no more questions than are under way."""
WAIT_FOR_MORE = 0.02
"""Seconds after the first answer in which others may join it."""

HELD_UP = "held up for too long to call"


class Calls:
    """Those that this worker has begun and not yet heard the answer of."""

    def __init__(self, post: Post) -> None:
        self.under_way = 0
        self.journal = Journal(post.data_dir)
        self._post = post
        self._side_by_side = SideBySide()
        self._answers: deque[Answered] = deque()

    @property
    def room(self) -> int:
        """How many may be marked now: what is marked is called at once."""
        return TOGETHER if CALLS_AT_ONCE - self.under_way >= TOGETHER else 0

    def start(self, marked: Sequence[Sending], by: float) -> None:
        """Begin these calls. When this returns each has begun, or never will: `by` the machine's monotonic clock."""
        for sending in marked:
            self.under_way += 1
            in_time = min(by, sending.call_by)
            self._side_by_side.begin(partial(self._call, sending, in_time), in_time)
        self._side_by_side.wait_until_asked()

    def answered(self, wait: float) -> list[Answered]:
        """What has come back within `wait` seconds: a good part of what is under way, so that it shares a transaction,
        but nothing waits for long after the first."""
        ends = time.monotonic() + (WAIT_FOR_MORE if self._answers else wait)
        while len(self._answers) < min(TOGETHER, self.under_way):
            is_first = not self._answers
            self._side_by_side.go_on(ends)
            if is_first and self._answers:
                ends = time.monotonic() + WAIT_FOR_MORE
            if time.monotonic() >= ends:
                break
        found = [self._answers.popleft() for _ in range(min(TOGETHER, len(self._answers)))]
        self.under_way -= len(found)
        return found

    def listen(self, seconds: float) -> None:
        """Let so much time pass. Whatever comes back is in the journal."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._side_by_side.go_on(ends)

    def _call(self, sending: Sending, by: float) -> None:
        try:
            self._answers.append((sending, self._hand_over(sending, by)))
        except BaseException:  # the process is to end: nobody waits for this one
            self.under_way -= 1
            raise

    def _hand_over(self, sending: Sending, by: float) -> Outcome:
        """Call the provider. What it took over is in the journal before anything else is done with it."""
        try:
            reach("before_call")
            if time.monotonic() >= by:
                return HeldUp(HELD_UP)
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
