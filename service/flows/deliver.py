"""Due deliveries go out, or the reason not to send them is kept.

    the mark     locked, every fact read again, words final, SENDING: committed before the call
    the call     side by side, no transaction open; whoever opts out now waits until they have begun
    the record   what the provider said

One transaction records what has come back and marks what goes next, while other calls are under way. A crash leaves
SENDING behind: a question for `reconcile`, never a second message.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from logging import getLogger
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.failpoints import reach
from service.flows.calling import CALLS_AT_ONCE, Calls
from service.flows.marking import Marking
from service.flows.post import Answered, Post, Sending
from service.flows.recording import record, suppress_refused
from service.flows.taking import Due, Listed
from service.models import Delivery
from service.rules.lifecycle import State

log = getLogger(__name__)

INSISTS_FOR = 30.0
"""Seconds for which a record is tried again while the database is away. The journal keeps it for longer."""
LOOKS_UP_EVERY = 0.25
"""Seconds after which a worker that waits for answers looks whether something else is due."""


class Source(Protocol):
    """Where the ids come from."""

    def take(self, most: int) -> list[UUID]: ...

    def put_back(self, ids: Sequence[UUID]) -> None:
        """These were locked by somebody else."""
        ...

    def wait(self) -> bool:
        """There was nothing to take. Returns whether there may be soon."""
        ...


def deliver(post: Post, ids: Sequence[UUID]) -> Counter[State]:
    """Send what is still due among these. Safe to repeat: what is not SCHEDULED is left alone.

    Blocks until every call is answered and recorded.
    """
    return _Round(post, Listed(ids)).run()


def deliver_due(
    post: Post, is_over: Callable[[], bool], call_others: Callable[[], object] = lambda: None
) -> Counter[State]:
    """Send whatever is due, soonest deadline first, until nothing is or it `is_over`. Any number at once do no harm.

    Calls others each time that it has taken as much as one takes. Blocks for no more than 20 seconds after it is over.
    """
    source = Due(post, is_over, call_others)
    try:
        return _Round(post, source).run()
    finally:
        source.give_back()


def mark(db: Session, ids: Sequence[UUID], post: Post) -> list[Sending]:
    """Lock, read the facts again, and move each delivery to SENDING, or to the reason not to send it.

    Two workers never mark the same delivery. The members are locked before the deliveries, as an opt-out does it.
    """
    return _mark(db, ids, post).sendings


def _mark(db: Session, ids: Sequence[UUID], post: Post) -> "_Marked":
    with db.no_autoflush:
        marking = Marking(db, ids, post)
        lease_until = marking.now + post.clock.lasting(post.patience.lease)
        call_by = time.monotonic() + post.patience.to_call
        ready = list(marking.ready())
        marked = Delivery.marked(marking.now, lease_until)
        moves = {one.delivery.id: {**marked, **one.values} for one in ready}
        Delivery.move_all(db, moves, State.SENDING, marking.now, by="worker")
    rows = ((one.delivery, one.message) for one in ready)
    sendings = [Sending(row.id, row.fence + 1, row.channel, message, call_by) for row, message in rows]
    return _Marked(sendings, marking.missed(ids))


class _Marked(NamedTuple):
    sendings: list[Sending]
    missed: list[UUID]
    """Somebody else had them."""


class _Round:
    """From the first mark to the last record."""

    def __init__(self, post: Post, source: Source) -> None:
        self._post, self._source = post, source
        self._calls = Calls(post)
        self._outcomes: Counter[State] = Counter()

    def run(self) -> Counter[State]:
        try:
            while self._go_on():
                pass
            self._calls.journal.done()
        except BaseException:
            self._record_what_is_under_way()
            raise
        finally:
            self._calls.journal.leave()
        return self._outcomes

    def _go_on(self) -> bool:
        """One turn, or a moment's wait. Returns False when there is nothing left to send or to hear of."""
        answered = self._calls.answered(wait=0.0 if self._calls.room else LOOKS_UP_EVERY)
        group = self._source.take(self._calls.room)  # after the answers: they made the room, and share the transaction
        if not group and not answered:
            answered = self._calls.answered(wait=LOOKS_UP_EVERY)
        if group or answered:
            self._turn(answered, group)
            return True
        return bool(self._calls.under_way) or self._source.wait()

    def _turn(self, answered: Sequence[Answered], group: Sequence[UUID]) -> None:
        """Record what came back, mark what goes next, and call it."""
        with ExitStack() as gate:
            marked, by = self._committed(answered, group, gate)
            if marked:
                reach("marked")
                self._calls.start(marked, by)
        if answered:
            suppress_refused(answered, self._post)
            reach("recorded")

    def _committed(
        self, answered: Sequence[Answered], group: Sequence[UUID], gate: ExitStack
    ) -> tuple[list[Sending], float]:
        """What is called next, and by when. What came back is never lost to a mark that fails."""
        marked: list[Sending] = []
        missed: list[UUID] = []
        by = 0.0
        try:
            with self._post.open_db() as db:
                recorded = record(db, answered, self._post) if answered else Counter[State]()
                if group:
                    marked, missed = _mark(db, group, self._post)
                if marked:
                    by = gate.enter_context(self._post.gate.passing())
                reach("before_record_commit" if answered else "before_mark_commit")
        except Exception:
            self._insist(answered)
            raise
        self._outcomes.update(recorded)
        self._source.put_back(missed)
        return marked, by

    def _insist(self, answered: Sequence[Answered]) -> None:
        """Record, again and again while the database is away. In the end the journal, a report or a look-up tells."""
        ends, pause = time.monotonic() + INSISTS_FOR, 0.1
        while answered:
            try:
                with self._post.open_db() as db:
                    self._outcomes.update(record(db, answered, self._post))
            except DBAPIError:
                if time.monotonic() > ends:
                    raise
                log.warning("the record of %d messages is tried again", len(answered))
                self._calls.listen(pause)
                pause = min(pause * 2, 5.0)
            else:
                suppress_refused(answered, self._post)
                return

    def _record_what_is_under_way(self) -> None:
        """Something broke: wait for the calls that have begun all the same."""
        while self._calls.under_way:
            self._insist(self._calls.answered(wait=LOOKS_UP_EVERY))


__all__ = ["CALLS_AT_ONCE", "Post", "Sending", "deliver", "deliver_due", "mark", "record"]
