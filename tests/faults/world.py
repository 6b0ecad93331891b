"""A small world: one database in memory, a clock that stands still, workers that can be held up and killed, and both
providers. All of it can be kept and put back, so that a search can try every way on from the same moment."""

import gc
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import failpoints
from service.channels.sendgrid_email import SendGridEmail
from service.channels.twilio_sms import TwilioSms
from service.database import connect, opener
from service.flows import calling, deliver, reconcile, taking
from service.flows.calling import Calls
from service.flows.post import Post
from service.journal import FOLDER, Line
from service.models import Delivery, DeliveryEvent, Sender
from service.models.sealed import Keyring, use_keys
from service.rules.consent import Channel
from service.rules.lifecycle import State
from service.rules.retries import Patience
from service.settings import Settings
from service.upgrade import upgrade
from tests.builders import NOW
from tests.faults.provider import Outcome, Provider, Taken
from tests.faults.workers import Killed, Worker, WorldsGate
from tests.stopped_clock import StoppedClock

FIELD_KEYS = "k1:" + "A" * 43 + "="
PATIENCE = Patience()
OPEN = (State.SCHEDULED, State.SENDING, State.UNKNOWN)
A_MOMENT = timedelta(seconds=1)
ENOUGH_TURNS = 80


EXCUSES = frozenset({"looked up in vain", "nobody can say", "w: a broken fact", Outcome.REFUSED, Outcome.OPTED_OUT})
"""What the judge asks whether it happened."""


@dataclass(frozen=True)
class Kept:
    """The world at one moment."""

    database: bytes
    moment: datetime
    taken: tuple[Taken, ...]
    pending: tuple[Taken, ...]
    asked: tuple[str, ...]
    workers: tuple[tuple[Any, ...], ...]
    journals: tuple[bytes, ...]
    met: frozenset[Outcome]
    done: tuple[str, ...]
    noes: tuple[Any, ...]


class World:
    """Everything that has a part in sending."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = StoppedClock()
        self.provider = Provider(self.clock)
        self.data_dir = data_dir
        self.engine = connect("sqlite://")
        upgrade(self.engine, data_dir)
        self._kept = sqlite3.connect(":memory:")
        self.gate = WorldsGate(self)
        self.open_db = opener(self.engine, self.gate)
        self.done: list[str] = []
        """What happened, by name: what the judge takes for an excuse is among it."""
        self.noes: list[Any] = []
        self.is_dead = False
        self.post, self.doomed = self._post(), self._post()
        self.workers = {name: Worker(self._post()) for name in "AB"}

    # --- kept and put back

    def keep(self) -> Kept:
        hands = tuple((*map(tuple, (w.ids, w.marked, w.answered, w.lines)), w.begins_by) for w in self.workers.values())
        journals = sorted(path.read_bytes() for path in (self.data_dir / FOLDER).glob("*"))
        held = {b"".join(_raw(line) for line in worker.lines) for worker in self.workers.values()}
        return Kept(
            database=self._raw.serialize(),
            moment=self.clock.moment,
            taken=tuple(self.provider.taken),
            pending=tuple(self.provider.pending),
            asked=tuple(self.provider.asked),
            workers=hands,
            journals=tuple(text for text in journals if text not in held),
            met=frozenset(self.provider.met),
            done=tuple(self.done),
            noes=tuple(self.noes),
        )

    def put_back(self, kept: Kept) -> None:
        # by way of another connection: SQLite 3.40 crashes over `json_each` in a statement that it knew before
        self._kept.deserialize(kept.database)
        self._kept.backup(self._raw)
        self.clock.moment = kept.moment
        self.provider.begin(kept.taken, kept.pending, kept.asked)
        self.provider.met = set(kept.met)
        self.done, self.noes, self.is_dead = list(kept.done), list(kept.noes), False
        for worker in self.workers.values():
            worker.die()
        for path in (self.data_dir / FOLDER).glob("*"):
            path.unlink()
        for number, text in enumerate(kept.journals):
            (self.data_dir / FOLDER / f"left-{number}").write_bytes(text)
        for worker, (ids, marked, answered, lines, by) in zip(self.workers.values(), kept.workers, strict=True):
            worker.ids, worker.marked, worker.answered = list(ids), list(marked), list(answered)
            worker.lines, worker.begins_by = list(lines), by
            if lines:
                worker.calls = Calls(worker.post)
                for line in lines:
                    worker.calls.journal.note(line)

    def digest(self) -> int:
        """Two worlds with the same go on in the same way. What is sealed has another look each time."""
        rows = [tuple(self._raw.execute(query)) for query in SEEN]
        hands = [
            (
                tuple(w.ids),
                tuple((s.fence, w.begins_by) for s in w.marked),
                tuple((s.fence, str(o)) for s, o in w.answered),
            )
            for w in self.workers.values()
        ]
        excuses = EXCUSES & set(self.done), EXCUSES & self.provider.met, tuple(self.noes)
        journals = len(list((self.data_dir / FOLDER).glob("*")))
        return hash((*rows, *hands, journals, self.clock.moment, *self.provider.taken, *self.provider.pending, excuses))

    def close(self) -> None:
        self._kept.close()
        self.engine.dispose()

    # --- what processes do

    def round(self, outcome: Outcome = Outcome.OK) -> None:
        """A worker hears the word, and sends whatever is due."""
        self.provider.outcome = outcome
        deliver.deliver_due(self.post, lambda: False)
        self.provider.outcome = Outcome.OK

    def crash(self, place: str, outcome: Outcome = Outcome.OK) -> None:
        """The same, by a worker that is killed when it comes to this place."""
        self.provider.outcome = outcome
        failpoints.arm({"FAILPOINT": place}, True)
        try:
            deliver.deliver_due(self.doomed, lambda: False)
        except Killed:
            self.done.append("a crash")
        finally:
            failpoints.arm({}, True)
            self.is_dead = False
            self.provider.outcome = Outcome.OK

    def sweep(self) -> None:
        from jobs import upkeep  # where a planted bug is

        with self.open_db() as db:
            upkeep.sweep(db, self.clock)

    def upkeep(self, list_is_down: bool = False) -> None:
        """The clock's chore: what is too late or was left open is closed."""
        self.provider.list_is_down = list_is_down
        self.sweep()
        reconcile.recall(self.post)
        reconcile.reconcile(self.post)
        self.provider.list_is_down = False

    def go(self, length: timedelta) -> None:
        self.clock.moment += length
        self.provider.go_on()

    def go_to(self, moment: datetime) -> None:
        self.go(max(moment - self.clock(), timedelta()))

    # --- what the database holds

    def deliveries(self) -> list[Delivery]:
        with self.open_db() as db:
            order = (Delivery.due_at, Delivery.rule_id.is_(None), Delivery.id)  # ids are made by chance
            return list(db.scalars(select(Delivery).order_by(*order)))

    def events(self) -> list[DeliveryEvent]:
        with self.open_db() as db:
            return list(db.scalars(select(DeliveryEvent).order_by(DeliveryEvent.seq)))

    def last_event(self, db: Session) -> int:
        return db.scalar(select(func.max(DeliveryEvent.seq))) or 0

    def next_moment(self) -> datetime | None:
        """When something is to be done next. None: nothing is open."""
        with self.open_db() as db:
            rows = db.scalars(select(Delivery).where(Delivery.state.in_(OPEN))).all()
            rests = {row.name: row.paused_until for row in db.scalars(select(Sender))}
        moments = [self._due(row, rests) for row in rows] + [one.at for one in self.provider.pending]
        return max(min(moments), self.clock() + A_MOMENT) if moments else None

    def _due(self, row: Delivery, rests: dict[str, datetime | None]) -> datetime:
        if row.state is State.SCHEDULED:
            rest = rests.get(self.post.channels[row.channel].sender)
            return min(row.expires_at, max(filter(None, (row.next_at, row.queued_until, rest))) + A_MOMENT)
        if row.state is State.SENDING:
            return row.lease_until or self.clock()
        look = reconcile._next_look(row, self.post)
        return look if look > self.clock() else self.clock() + timedelta(seconds=30)

    @property
    def _raw(self) -> sqlite3.Connection:
        with self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
        return raw

    def _post(self) -> Post:
        settings = Settings.from_env({"DATA_DIR": str(self.data_dir), "SENDER_RATE": "0"})
        transport: Any = SimpleNamespace(call=self._call)
        return Post(
            open_db=self._open_alive,
            channels={
                Channel.SMS: TwilioSms(settings.twilio, transport, "https://groups.example.org/status"),
                Channel.EMAIL: SendGridEmail(settings.sendgrid, transport, "Oak St"),
            },
            clock=self.clock,  # type: ignore[arg-type]
            public_url="https://groups.example.org",
            sender_rate=0,
            data_dir=self.data_dir,
            gate=self.gate,
            patience=PATIENCE,
        )

    def _call(self, *arguments: Any) -> Any:
        if self.is_dead:
            raise Killed
        return self.provider.call(*arguments)

    @contextmanager
    def _open_alive(self) -> Iterator[Session]:
        if self.is_dead:
            raise Killed
        with self.open_db() as db:
            yield db

    def die(self, what: object) -> None:
        self.is_dead = True
        raise Killed

    def monotonic(self) -> float:
        return (self.clock() - NOW).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.go(timedelta(seconds=seconds))


SEEN = (
    """select id, kind, start_revision, next_at, expires_at, queued_until, state, reason, fence, attempts, looks, kills,
       lease_until, provider_id from deliveries order by id""",
    "select seq, delivery_id, was, now, at, by, reason from delivery_events order by seq",
    "select * from senders order by name",
    "select channel, since, lifted_at from suppressions order by since",
    "select state, starts_at from group_sessions order by id",
    "select paused_until from members order by id",
    "select is_on from rules order by id",
)


def _raw(line: Line) -> bytes:
    return json.dumps(vars(line)).encode() + b"\n"


@contextmanager
def world(data_dir: Path) -> Iterator[World]:
    """One whose processes live by its clock, and die by its fail-points."""
    (data_dir / FOLDER).mkdir(mode=0o700, parents=True)
    use_keys(Keyring.parse(FIELD_KEYS))
    made = World(data_dir)
    with pytest.MonkeyPatch.context() as patch:
        for module in (deliver, calling, taking):
            patch.setattr(module, "time", made)
        patch.setattr(failpoints, "_fail", made.die)
        gc.freeze()  # the clients that were loaded need not be looked through for garbage again and again
        yield made
    made.close()
