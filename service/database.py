"""The engine, and the one way to open a transaction."""

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, UOWTransaction

from service.gate import Gate, gate_of
from service.locks import file_lock
from service.models import Consent, GroupSession, Member, Suppression, bulk, local_date

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
    return _postgresql(url)


def opener(engine: Engine, gate: Gate | None = None) -> OpenDb:
    """`with open_db() as db:` is one transaction, committed at its end. On SQLite it takes the writer's lock at once:
    a transaction that begins by reading and goes on to write fails whatever the time-out."""
    turn = _Turn(engine)
    gate = gate or gate_of(engine)

    @contextmanager
    def open_db() -> Iterator[Session]:
        with (
            turn.taken(),
            ExitStack() as gates,
            Transaction(engine, expire_on_commit=False) as db,
            db.begin() as begun,
        ):
            yield db
            if begun.is_active:  # else a page that only shows what would be has taken it back
                db.flush()
                if SAYS_NO in db.info:
                    gates.enter_context(gate.shut(db))

    return open_db


class _Turn:
    """To write on SQLite, one at a time. SQLite itself has writers ask again, after up to a tenth of a second, and
    whoever asks at the right moment is in: the next would be late, and of a crowd of threads some never come."""

    def __init__(self, engine: Engine) -> None:
        self._file = Path(f"{engine.url.database}-turn") if _is_file(engine) else None
        self._threads = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._threads, file_lock(self._file, BUSY_SECONDS) if self._file else nullcontext():
            yield


def _is_file(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite" and bool(engine.url.database)


def reader(engine: Engine) -> OpenDb:
    """The same for pages that only read: on SQLite they wait for nobody and hold up nobody."""
    return _sessions(engine.execution_options(read_only=True))


def looker(engine: Engine) -> OpenDb:
    """The same for a question that is asked every second. On PostgreSQL without a transaction around it, which would be
    two more questions to the server; what is read in parts, as the ledger is, needs one."""
    if engine.dialect.name == "postgresql":
        return _sessions(engine.execution_options(isolation_level="AUTOCOMMIT"))
    return reader(engine)


def _sessions(engine: Engine) -> OpenDb:
    @contextmanager
    def open_db() -> Iterator[Session]:
        with Session(engine, expire_on_commit=False) as db, db.begin():
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


def _postgresql(url: str) -> Engine:
    engine = create_engine(url, pool_size=10, max_overflow=20, pool_recycle=1800, hide_parameters=True)

    @event.listens_for(engine, "checkout")
    def check(connection: Any, record: Any, proxy: Any) -> None:
        """Something to read before anything was asked: the server has gone. To ask it each time costs a transaction."""
        poll = select.poll()
        poll.register(connection.pgconn.socket, select.POLLIN)
        if poll.poll(0):
            raise DisconnectionError("the server has gone")

    return engine


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
        connection.create_function(bulk.FROM_HEX, 1, bulk.from_hex, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
