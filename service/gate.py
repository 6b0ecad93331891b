"""The gate between a no and a call: whoever says no waits for the calls that are just beginning, and no other begins.

A worker passes with what it has marked: in before the mark is committed, out once its calls have begun. A transaction
that says no (an opt-out, a session that is cancelled) shuts the gate as its last act, and commits. So each no is either
seen by the mark, or waits until there is nothing left to begin. Any number pass at once; nobody waits for long.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session

from service.locks import file_lock, wait_for

BEGINS_WITHIN = 3.0
"""Seconds from the way in. A call that has not begun by then never does."""
WAITS_FOR = 4.0
"""Seconds after which nothing can begin any more of what was inside: a worker that was frozen there holds nobody up."""
KEY = 0x67_61_74_65
"""Of PostgreSQL's advisory locks, which each database has of its own."""


class Gate(Protocol):
    def passing(self) -> AbstractContextManager[float]:
        """Until when, by the machine's monotonic clock, a call may begin. To be entered within the marking transaction,
        after its last lock."""
        ...

    def shut(self, db: Session) -> AbstractContextManager[None]:
        """Nobody is inside, and nobody comes in, until this is over and the transaction has ended."""
        ...


def gate_of(engine: Engine) -> Gate:
    """The same for every process that works on this database."""
    if engine.dialect.name == "postgresql":
        return _Advisory(engine)
    return _File(Path(f"{engine.url.database}-gate"))


class _File:
    """Beside a SQLite file, which one machine alone uses."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def passing(self) -> Iterator[float]:
        begins_by = time.monotonic() + BEGINS_WITHIN
        with file_lock(self._path, BEGINS_WITHIN, shared=True):
            yield begins_by

    def shut(self, db: Session) -> AbstractContextManager[None]:
        return file_lock(self._path, WAITS_FOR)


class _Advisory:
    """A lock of the server's. It ends with the connection that has it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def passing(self) -> Iterator[float]:
        begins_by = time.monotonic() + BEGINS_WITHIN
        with _aside(self._engine).connect() as connection:  # it writes nothing, and is rolled back
            _wait(connection, "pg_try_advisory_xact_lock_shared", BEGINS_WITHIN)
            yield begins_by

    @contextmanager
    def shut(self, db: Session) -> Iterator[None]:
        _wait(db, "pg_try_advisory_xact_lock", WAITS_FOR)
        yield


@cache
def _aside(engine: Engine) -> Engine:
    """The same database by other connections: psycopg, on one that saw a rollback, forgets the statements that the
    server has planned already."""
    aside = create_engine(engine.url, pool=engine.pool.recreate(), hide_parameters=True)
    event.listen(engine, "engine_disposed", lambda _: aside.dispose())
    return aside


def _wait(asks: Connection | Session, how: str, patience: float) -> None:
    """By asking again: to wait in the server would be for ever, for one that was frozen with the lock, too."""
    ask = text(f"SELECT {how}(:key)")
    wait_for(lambda: bool(asks.execute(ask, {"key": KEY}).scalar()), patience)
