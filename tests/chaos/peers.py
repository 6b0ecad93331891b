"""The usual designs on the same faults and seed: the drivers of `bench/peers`, judged as the service is.

Their database is one table of messages; opt-outs and cancellations are rows that they look for before each message.
They know of no moves, send no notices, and hear no callbacks. The settings are kind to them, as the waits are short.
"""

import random
import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.peers import PEERS, PYTHON, messages
from sandbox.config import NUMBER
from sandbox.remote import Remote
from tests.chaos.arena import ROOT, Arena
from tests.chaos.evidence import Evidence, Notebook, Row, evidence_of
from tests.chaos.process import Process
from tests.chaos.profiles import HTTP_DEADLINE
from tests.chaos.story import AROUND, CHANGE_SHARE, SIZE, Change, mobile

WHEN_DUE = ("rq", "rq-noretry", "celery-prefork")
"""Also with each message queued when it is due: by far the kinder way for RQ, whose scheduler dies with its host."""
KIND = {"RQ_MAINTENANCE": "20", "RQ_WORKER_TTL": "25", "CELERY_VISIBILITY": "20"}
USEFUL_FOR = 300.0
OPEN = """
SELECT count(*) FROM messages WHERE sent_at IS NULL AND due_at <= ? AND expires_at > ?
AND "to" NOT IN (SELECT number FROM opt_outs) AND session NOT IN (SELECT session FROM cancellations)
"""
NAMES = (*PEERS, *(f"{name}-when-due" for name in WHEN_DUE))


class PeerArena(Arena):
    """The same sandbox and the same Valkey, with a peer's processes."""

    hears_callbacks = False

    @property
    def peer(self) -> str:
        return self.database

    def environ(self, port: int = 0) -> dict[str, str]:
        return {
            **KIND,
            "PATH": str(PYTHON.parent),
            "PYTHONPATH": str(ROOT),
            "PEERS_DB": str(self.folder.data / "peers.db"),
            "REDIS_URL": self.redis_url,
            "TWILIO_API_BASE": self.sandbox_url,
            "TWILIO_TIMEOUT": f"{HTTP_DEADLINE:g}",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def begin(self, notebook: Notebook) -> "PeerStory":
        remote = Remote(self.sandbox_url)
        remote.post("config", {"numbers": {NUMBER: "unlimited"}})
        remote.fault("cb_drop")
        engine = messages.connect(self.folder.data / "peers.db")
        messages.create(engine)
        return PeerStory(engine, notebook, self.seed)

    def start_service(self) -> None:
        peer = PEERS[self.peer.removesuffix("-when-due")]
        self.service = [self._peer(f"worker-{number + 1}", peer.worker) for number in range(peer.workers)]
        if peer.feeder:
            when = ("--when-due",) if self.peer.endswith("-when-due") else ()
            self.service.append(self._peer("clock-1", (*peer.feeder, *when, "--follow")))
        for process in self.service:
            process.start()
        time.sleep(5)

    def gather(self) -> Evidence:
        with closing(sqlite3.connect(self.folder.data / "peers.db")) as db:
            db.row_factory = sqlite3.Row
            gone = {row["number"] for row in db.execute("SELECT number FROM opt_outs")}
            off = {row["session"] for row in db.execute("SELECT session FROM cancellations")}
            rows = [_delivery(row, gone, off) for row in db.execute("SELECT * FROM messages")]
        return evidence_of(self.folder, rows, {})

    def open_deliveries(self, until: float, awaited: str = "") -> int:
        with closing(sqlite3.connect(self.folder.data / "peers.db", timeout=30)) as db:
            return int(db.execute(OPEN, (until, time.time())).fetchone()[0])

    def _open_database(self, stack: ExitStack) -> str:
        return ""

    def _peer(self, name: str, arguments: tuple[str, ...]) -> Process:
        log = self.folder.logs / f"{name}.log"
        return Process(name, [str(PYTHON), *arguments], self.environ(), log, self.folder.path)


@dataclass
class PeerStory:
    """Fills the peers' table, and takes messages back."""

    engine: Engine
    notebook: Notebook
    seed: int

    def gather(self, number: int, due: float) -> list[Change]:
        rng, session = random.Random(f"{self.seed} {number}"), uuid4().hex
        rows = [_message(number * SIZE + position, session, due) for position in range(SIZE)]
        told = [[row.id, row.to, "sms"] for row in rows]
        with Session(self.engine) as db, db.begin():
            db.add_all(rows)
        deadline = due + USEFUL_FOR
        self.notebook.write(
            "gathering",
            session=session,
            kind="same_day",
            due=due,
            starts_at=deadline,
            deadline=deadline,
            members=told,
        )
        changes: list[Change] = []
        for member, to, _ in told:
            if rng.random() < CHANGE_SHARE:
                changes.append((_about(due, rng), lambda member=member, to=to: self._opt_out(member, to, session)))
        if rng.random() < CHANGE_SHARE:
            changes.append((_about(due, rng), lambda: self._cancel(session)))
        return changes

    def _opt_out(self, member: str, to: str, session: str) -> None:
        began = self._added(messages.OptOut(number=to))
        self.notebook.write("optout", member=member, session=session, **{"from": began, "at": time.time()})

    def _cancel(self, session: str) -> None:
        began = self._added(messages.Cancellation(session=session))
        self.notebook.write("cancel", session=session, is_told=False, **{"from": began, "at": time.time()})

    def _added(self, row: messages.Base) -> float:
        began = time.time()
        with Session(self.engine) as db, db.begin():
            db.add(row)
        return began


def _about(due: float, rng: random.Random) -> float:
    return due + rng.uniform(-AROUND, AROUND)


def _message(number: int, session: str, due: float) -> messages.Message:
    return messages.Message(
        id=uuid4().hex,
        to=mobile(number),
        body=f"Your group meets today. ({number})",
        session=session,
        due_at=due,
        expires_at=due + USEFUL_FOR,
    )


def _delivery(row: Any, gone: set[str], off: set[str]) -> Row:
    """A peer's message in the shape in which the checker knows deliveries."""
    state = "accepted" if row["sent_at"] else "scheduled"
    if state == "scheduled" and row["to"] in gone:
        state = "suppressed"
    elif state == "scheduled" and row["session"] in off:
        state = "cancelled"
    return {
        "id": row["id"],
        "kind": "same_day",
        "channel": "sms",
        "member_id": row["id"],
        "session": row["session"],
        "revision": 0,
        "due_at": row["due_at"],
        "expires_at": row["expires_at"],
        "state": state,
        "reason": row["sid"],
    }
