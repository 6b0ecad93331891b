"""Bugs put into the service on purpose, to see that a run finds them. No code of the service knows of this.

`python -m tests.chaos.planted BUG web|worker|clock` patches one function and then runs the service's own command.
"""

import os
import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session


def _put(owner: Any, name: str, value: Any) -> None:
    """In the place of what is there. Raises AttributeError where the service has moved on and nothing is."""
    getattr(owner, name)
    setattr(owner, name, value)


def no_mark() -> None:
    """Sent first and marked afterwards, as cron scripts do: the id is only taken for the length of a lease."""
    from service.flows import recording
    from service.models import Delivery
    from service.rules.lifecycle import State

    move_all, marked = Delivery.move_all, Delivery.marked

    def move(cls: Any, db: Session, moves: Any, to: Any, now: datetime, *, by: str) -> None:
        if to is not State.SENDING:
            move_all(db, moves, to, now, by=by)
            return
        for one, what in moves.items():
            once_more = {"fence": Delivery.fence + 1, "attempts": Delivery.attempts + 1}
            db.execute(update(Delivery).where(Delivery.id == one).values({**what, **once_more}))

    def taken(now: datetime, lease_until: datetime) -> dict[str, object]:
        return {**marked(now, lease_until), "queued_until": lease_until}

    _put(Delivery, "move_all", classmethod(move))
    _put(Delivery, "marked", staticmethod(taken))
    _put(recording, "OPEN", frozenset({*recording.OPEN, State.SCHEDULED}))


def sweep_resends() -> None:
    """What a lost worker had marked goes again, without a question."""
    from jobs import upkeep
    from service.models import Delivery
    from service.rules.lifecycle import State

    sweep = upkeep.sweep

    def resend(db: Session, clock: Any) -> int:
        count = sweep(db, clock)
        db.flush()
        lost = (Delivery.state == State.UNKNOWN, Delivery.reason == "the worker was lost")
        db.execute(update(Delivery).where(*lost).values(state=State.SCHEDULED, next_at=clock(), queued_until=None))
        return count

    _put(upkeep, "sweep", resend)


def no_recheck() -> None:
    """At the mark nobody asks again whether the member opted out or the session changed."""
    from service.flows.marking import Marking

    _put(Marking, "_consent_refusal", lambda *_: None)
    _put(Marking, "_session_refusal", lambda *_: None)


def no_expiry() -> None:
    """A message goes however late it is."""
    from service.flows.marking import Marking

    def refusal(self: Any, delivery: Any) -> Any:
        return self._session_refusal(delivery) or self._consent_refusal(delivery)

    _put(Marking, "_refusal", refusal)


def refused_500() -> None:
    """A 500 is taken for a refusal, and tried again."""
    from service.channels import Ambiguous, NotAccepted, twilio_sms

    translated = twilio_sms._translated

    def translate(error: Exception) -> Exception:
        found = translated(error)
        return NotAccepted(str(found)) if isinstance(found, Ambiguous) and "HTTP 5" in str(found) else found

    _put(twilio_sms, "_translated", translate)


def short_looks() -> None:
    """The provider is asked three times before a late acceptance can be seen."""
    from service.rules.retries import Patience

    _put(Patience, "looks_after", property(lambda _: (0.5, 1.0, 1.5)))


def lowering_callbacks() -> None:
    """The report that comes last counts, whatever it says."""
    from service.flows import settle, settle_all
    from service.models import deliveries
    from service.rules.lifecycle import REPORTED, State, may_move

    for module in (settle, settle_all):
        _put(module, "LAST_WORD", dict.fromkeys(settle.LAST_WORD))

    def move(current: State, to: State) -> bool:
        return may_move(current, to) or (current in REPORTED and to in REPORTED)

    for module in (deliveries, settle_all):
        _put(module, "may_move", move)
    for kept in (deliveries._moved, deliveries._noted):
        _put(deliveries, kept.__name__, kept.__wrapped__)


def endless_words() -> None:
    """The clock says that something is due without looking whether it has been said."""
    from rq import Queue

    _put(Queue, "__len__", lambda _: 0)


def deferred_transactions() -> None:
    """SQLite's transactions begin by reading and then want to write."""
    run = Connection.exec_driver_sql

    def begin(self: Connection, statement: str, *args: Any, **more: Any) -> Any:
        return run(self, "BEGIN" if statement == "BEGIN IMMEDIATE" else statement, *args, **more)

    _put(Connection, "exec_driver_sql", begin)


def no_fence() -> None:
    """A worker that was held up records over the mark of the one that came after."""
    from service.flows import deliver
    from service.models import Delivery

    record = deliver.record

    def by_whomever(db: Session, answered: Any, post: Any) -> Any:
        ids = [sending.delivery_id for sending, _ in answered]
        fences: dict[Any, Any] = dict(db.execute(select(Delivery.id, Delivery.fence).where(Delivery.id.in_(ids))).all())
        return record(db, [(replace(one, fence=fences[one.delivery_id]), said) for one, said in answered], post)

    _put(deliver, "record", by_whomever)


def no_gate() -> None:
    """Between the mark and the call nobody waits for anybody."""
    from service import database

    _put(database, "SAID", ())
    _put(database, "CHANGED", ())


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        *(no_mark, sweep_resends, no_recheck, no_expiry, refused_500, short_looks, lowering_callbacks),
        *(endless_words, deferred_transactions, no_fence, no_gate),
    )
}


def main() -> None:
    bug, kind = sys.argv[1:3]
    BUGS[bug]()
    os.execv = _run_here  # type: ignore[assignment]
    sys.argv = ["groupkeeper", kind]
    runpy.run_module("service", run_name="__main__", alter_sys=False)


def _run_here(program: str, arguments: list[str]) -> NoReturn:
    """Instead of becoming another program: run its module in this process, where the bug is."""
    module, rest = arguments[2], arguments[3:]
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    main()
