"""Workers that can be held up between any two steps and killed, and the gate that they pass."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.orm import Session

from service.flows import deliver
from service.flows.calling import Answered, Calls
from service.flows.post import Post, Sending
from service.flows.recording import suppress_refused
from service.flows.taking import take_due
from service.gate import BEGINS_WITHIN, WAITS_FOR
from service.journal import Line

if TYPE_CHECKING:
    from tests.faults.world import World


class Killed(BaseException):
    """The process is gone. Nothing of it goes on."""


@dataclass
class Worker:
    """One that a test leads step by step: it may be held up between any two of them."""

    post: Post
    ids: list[UUID] = field(default_factory=list)
    marked: list[Sending] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    calls: Calls | None = None
    begins_by: float = 0.0
    """It is within the gate while it has marked what it has not called."""

    def lease(self) -> None:
        with self.post.open_db() as db:
            self.ids += take_due(db, self.post)

    def mark(self) -> None:
        """What it marked before it has called by then, as in a round: each call has its own time to begin."""
        self.call()
        if not self.ids:
            self.lease()
        with self.post.open_db() as db:
            self.marked += deliver.mark(db, self.ids, self.post)
            with self.post.gate.passing() as self.begins_by:
                pass
        self.ids = []

    def call(self) -> None:
        """The calls, as a round does it."""
        if not self.marked:
            return
        self.calls = self.calls or Calls(self.post)
        note = self.calls.journal.note
        self.calls.journal.note = lambda line: (self.lines.append(line), note(line))[1]  # type: ignore[method-assign]
        self.calls.start(self.marked, self.begins_by)
        self.answered += self.calls.answered(wait=0)
        self.calls.journal.note = note  # type: ignore[method-assign]
        self.marked = []

    def record(self) -> None:
        if not self.answered:
            return
        with self.post.open_db() as db:
            deliver.record(db, self.answered, self.post)
        suppress_refused(self.answered, self.post)
        if self.calls:
            self.calls.journal.done()
        self.answered, self.lines, self.calls = [], [], None

    def die(self) -> None:
        """What it had in hand is gone with it; its journal stays."""
        if self.calls:
            self.calls.journal.leave()
        self.ids, self.marked, self.answered, self.lines, self.calls = [], [], [], [], None


@dataclass(frozen=True)
class WorldsGate:
    """Whoever says no while a worker that a test leads is inside waits in vain: the test does something else now."""

    world: "World"

    def passing(self) -> AbstractContextManager[float]:
        return nullcontext(self.world.monotonic() + BEGINS_WITHIN)

    def shut(self, db: Session) -> AbstractContextManager[None]:
        if any(worker.marked for worker in self.world.workers.values()):
            self.world.sleep(WAITS_FOR)
        return nullcontext()
