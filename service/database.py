"""The engine, and the one way to open a transaction."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session, UOWTransaction

from service.gate import Gate, gate_of
from service.models import Consent, GroupSession, Member, Suppression, local_date

OpenDb = Callable[[], AbstractContextManager[Session]]

BUSY_SECONDS = 30
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # the mark must survive a power cut: without it a message would go twice
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
)
SAID, CHANGED = (Suppression, Consent), (Member, GroupSession)
"""What a transaction adds, or changes, when it may say no: somebody may not be called any more once it is committed."""
SAYS_NO = "says no"


class Transaction(Session):
    """One that says no waits at the gate before it is committed."""


@event.listens_for(Transaction, "after_flush")
def _notice_a_no(db: Session, _: UOWTransaction) -> None:
    changed = (row for row in db.dirty if isinstance(row, CHANGED) and db.is_modified(row))
    if any(isinstance(row, SAID) for row in db.new) or any(changed):
        db.info[SAYS_NO] = True


def connect(url: str) -> Engine:
    """Connects on first use, so it may be made before a fork."""
    if url.startswith("sqlite"):
        return _sqlite(url)
    return create_engine(
        url, pool_pre_ping=True, pool_size=10, max_overflow=20, pool_recycle=1800, hide_parameters=True
    )


def opener(engine: Engine, gate: Gate | None = None) -> OpenDb:
    """`with open_db() as db:` is one transaction, committed at its end. On SQLite it takes the writer's lock at once:
    a transaction that begins by reading and goes on to write fails whatever the time-out."""
    # SQLite has writers ask again, up to ten times a second, and whoever asks at the right moment is in: of a crowd of
    # threads some would wait for ever. So each process sends one at a time.
    turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
    gate = gate or gate_of(engine)

    @contextmanager
    def open_db() -> Iterator[Session]:
        with turn, ExitStack() as gates, Transaction(engine, expire_on_commit=False) as db, db.begin() as begun:
            yield db
            if begun.is_active:  # else a page that only shows what would be has taken it back
                db.flush()
                if SAYS_NO in db.info:
                    gates.enter_context(gate.shut(db))

    return open_db


def reader(engine: Engine) -> OpenDb:
    """The same for pages that only read: on SQLite they wait for nobody and hold up nobody."""

    @contextmanager
    def open_db() -> Iterator[Session]:
        options = engine.execution_options(read_only=True)
        with Session(options, expire_on_commit=False) as db, db.begin():
            yield db

    return open_db


def overwrite_deleted(engine: Engine) -> None:
    """SQLite leaves what was deleted in free space and in its log until they are used again: both are written anew.
    PostgreSQL's own vacuum does it, in its own time."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # we begin our transactions ourselves
        for pragma in PRAGMAS:
            connection.execute(pragma)
        connection.create_function(local_date.NAME, 2, local_date.on_sqlite, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
