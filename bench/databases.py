"""Where an installation keeps its rows while it is measured: a SQLite file, or a PostgreSQL that means what it says."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import create_engine, insert, make_url, select, text

from bench.counting import sitecustomize
from service.database import connect
from service.models import Base
from tests import postgres

AT_ONCE = 2_000
STATISTICS_LAG = 2.0
"""Seconds until a PostgreSQL backend that has come to rest has told its counts."""


class Kind(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True)
class Database:
    """One database of one run."""

    url: str
    pids: tuple[int, ...]
    """The server's, if there is one."""
    counting: Path
    """Where its clients note their commits: SQLite has nobody else to do so."""

    def commits(self) -> int:
        if not self.pids:
            return sitecustomize.total(self.counting)
        time.sleep(STATISTICS_LAG)
        engine = create_engine(make_url(self.url).set(database="postgres"))
        with engine.connect() as db:
            query = text("SELECT xact_commit FROM pg_stat_database WHERE datname = :name")
            count = db.execute(query, {"name": make_url(self.url).database}).scalar_one()
        engine.dispose()
        return int(count)


class Databases:
    """Makes a copy of a filled SQLite database, in a file or on the server, as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = ""

    def copy(self, filled: Path, kind: Kind, to: Path) -> Database:
        """`to` is the folder of the run, and names its database."""
        counting = to / "commits"
        counting.mkdir()
        if kind is Kind.SQLITE:
            shutil.copy(filled, to / "groupkeeper.db")
            return Database(f"sqlite:///{to / 'groupkeeper.db'}", (), counting)
        return Database(self._on_server(filled, to.name), (self.guard(),), counting)

    def server(self) -> str:
        """The address of a PostgreSQL that writes through to the disk, started on first use."""
        if not self._server:
            self._server = postgres.server_url(self._folder, os.getpid(), durable=True)
        return self._server

    def stop(self) -> None:
        postgres.stop_server(self._folder)

    def _on_server(self, filled: Path, run: str) -> str:
        name = f"run_{run.replace('-', '_')}"
        template = f"bench_{filled.stem.replace('-', '_')}"
        engine = create_engine(self.server(), isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            known = db.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": template}).first()
        if known is None:
            _pour(filled, postgres.create_database(self.server(), template))
        with engine.connect() as db:
            db.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        engine.dispose()
        return make_url(self.server()).set(database=name).render_as_string(hide_password=False)

    def guard(self) -> int:
        return int(json.loads((self._folder / postgres.NAME).read_text())["guard"])


@contextmanager
def databases(folder: Path) -> Iterator[Databases]:
    folder.mkdir(parents=True, exist_ok=True)
    made = Databases(folder)
    try:
        yield made
    finally:
        made.stop()


def _pour(filled: Path, url: str) -> None:
    """Every row of a SQLite database into the same tables of another one."""
    source, target = connect(f"sqlite:///{filled}"), connect(url)
    with source.execution_options(read_only=True).connect() as old, target.begin() as new:
        new.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no order, no foreign keys asked
        for table in Base.metadata.sorted_tables:
            for rows in old.execute(select(table)).mappings().partitions(AT_ONCE):
                new.execute(insert(table), [dict(row) for row in rows])
    with target.execution_options(isolation_level="AUTOCOMMIT").connect() as new:
        new.exec_driver_sql("ANALYZE")
    source.dispose()
    target.dispose()
