"""The engine, and the one way to open a transaction."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

OpenDb = Callable[[], AbstractContextManager[Session]]

BUSY_SECONDS = 30
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # the mark must survive a power cut: without it a message would go twice
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
)


def connect(url: str) -> Engine:
    """Connects on first use, so it may be made before a fork."""
    if url.startswith("sqlite"):
        return _sqlite(url)
    return create_engine(
        url, pool_pre_ping=True, pool_size=10, max_overflow=20, pool_recycle=1800, hide_parameters=True
    )


def opener(engine: Engine) -> OpenDb:
    """`with open_db() as db:` is one transaction, committed at its end. On SQLite it takes the writer's lock at once:
    a transaction that begins by reading and goes on to write fails whatever the time-out."""
    # SQLite has writers ask again, up to ten times a second, and whoever asks at the right moment is in: of a crowd of
    # threads some would wait for ever. So each process sends one at a time.
    turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
    return _opener(engine, {}, turn)


def reader(engine: Engine) -> OpenDb:
    """The same for pages that only read: on SQLite they wait for nobody and hold up nobody."""
    return _opener(engine, {"read_only": True}, nullcontext())


def _opener(engine: Engine, options: dict[str, Any], turn: AbstractContextManager[Any]) -> OpenDb:
    @contextmanager
    def open_db() -> Iterator[Session]:
        with turn, Session(engine.execution_options(**options), expire_on_commit=False) as db, db.begin():
            yield db

    return open_db


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # we begin our transactions ourselves
        for pragma in PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
