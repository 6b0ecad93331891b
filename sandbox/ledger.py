"""What was accepted, refused, delivered and said: the evidence. Rows are on the disk before an answer goes out.

One thread writes. Requests that wait at the same time share one commit, and so one trip to the disk.
"""

import contextlib
import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

log = logging.getLogger(__name__)

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS accepted (
  seq INTEGER PRIMARY KEY, t_virtual REAL, t_real REAL, provider TEXT, provider_id TEXT, account TEXT,
  to_norm TEXT, "from" TEXT, channel_body_sha256 TEXT, body TEXT, subject TEXT, segments INTEGER,
  status_callback TEXT, app_message_id TEXT, request_sha256 TEXT, client_got_answer INTEGER, fault TEXT,
  user_agent TEXT, peer_port INTEGER, direction TEXT, service TEXT, detail TEXT);
CREATE INDEX IF NOT EXISTS accepted_by_id ON accepted (provider_id);
CREATE TABLE IF NOT EXISTS refused (
  seq INTEGER PRIMARY KEY, t_virtual REAL, t_real REAL, provider TEXT, op TEXT, to_norm TEXT, http INTEGER,
  code INTEGER, field TEXT, fault TEXT, request_sha256 TEXT);
CREATE TABLE IF NOT EXISTS deliveries (
  seq INTEGER PRIMARY KEY, t_virtual REAL, t_real REAL, kind TEXT, provider_id TEXT, attempt INTEGER, url TEXT,
  status INTEGER, ms REAL, signature_kind TEXT, payload_sha256 TEXT, headers TEXT, body BLOB, answer_headers TEXT,
  answer BLOB, error TEXT, note TEXT);
CREATE TABLE IF NOT EXISTS state_changes (
  seq INTEGER PRIMARY KEY, t_virtual REAL, t_real REAL, provider_id TEXT, recipient TEXT, status TEXT, error TEXT,
  detail TEXT);
CREATE INDEX IF NOT EXISTS state_changes_by_id ON state_changes (provider_id);
CREATE TABLE IF NOT EXISTS said (
  seq INTEGER PRIMARY KEY, t_virtual REAL, t_real REAL, who TEXT, channel TEXT, provider_id TEXT, sender TEXT,
  recipient TEXT, body TEXT, detail TEXT);
"""

TABLES = ("accepted", "refused", "deliveries", "state_changes", "said")


class Ticket:
    """A row on its way to the disk."""

    def __init__(self, sql: str, values: tuple[Any, ...]) -> None:
        self.sql = sql
        self.values = values
        self.seq = 0
        self.error: sqlite3.Error | None = None
        self._written = threading.Event()

    def wait(self) -> int:
        """Wait until the row is on the disk. Returns its number; raises what kept it from getting there."""
        self._written.wait()
        if self.error:
            raise self.error
        return self.seq

    def close(self, error: sqlite3.Error | None = None) -> None:
        self.error = error
        self._written.set()


class Ledger:
    """The rows, in `ledger.db` of a folder. Only ever added to, but for the mark that an answer arrived."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "ledger.db"
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._db = _connect(self.path)
        self._db.executescript(SCHEMA)
        self._db.execute("PRAGMA synchronous=FULL")
        self._inserts: dict[tuple[str, ...], str] = {}
        self._writer = threading.Thread(target=self._write_forever, name="ledger", daemon=True)
        self._writer.start()

    def add(self, table: str, values: Mapping[str, Any]) -> Ticket:
        """Write a row soon. Wait on the ticket to know that it is on the disk."""
        return self._submit(self._insert(table, tuple(values)), tuple(values.values()))

    def mark_answered(self, seqs: Iterable[int], got: bool) -> None:
        for seq in seqs:
            self._submit("UPDATE accepted SET client_got_answer = ? WHERE seq = ?", (got, seq))

    def flush(self) -> None:
        """Wait until everything added so far is on the disk."""
        self._submit("SELECT 1", ()).wait()

    def rows(self, table: str, since: int = 0) -> list[Row]:
        """The rows of a table with a number above `since`, in order."""
        self.flush()
        with contextlib.closing(_connect(self.path)) as db:
            return [
                dict(row) for row in db.execute(f"SELECT * FROM {_known(table)} WHERE seq > ? ORDER BY seq", (since,))
            ]

    def lines(self) -> Iterator[str]:
        """Every row of every table as a line of JSON."""
        for table in TABLES:
            for row in self.rows(table):
                yield json.dumps({"table": table, **row}, default=_text)

    def clear(self) -> None:
        for table in TABLES:
            self._submit(f"DELETE FROM {table}", ())
        self.flush()

    def close(self) -> None:
        self._queue.put(None)
        self._writer.join(5)

    def _insert(self, table: str, columns: tuple[str, ...]) -> str:
        key = (table, *columns)
        if key not in self._inserts:
            names = ", ".join(f'"{column}"' for column in columns)
            marks = ", ".join("?" * len(columns))
            self._inserts[key] = f"INSERT INTO {_known(table)} ({names}) VALUES ({marks})"
        return self._inserts[key]

    def _submit(self, sql: str, values: tuple[Any, ...]) -> Ticket:
        ticket = Ticket(sql, values)
        self._queue.put(ticket)
        return ticket

    def _write_forever(self) -> None:
        is_over = False
        while not is_over:
            batch = [self._queue.get()]
            while not self._queue.empty() and len(batch) < 1000:
                batch.append(self._queue.get())
            is_over = batch[-1] is None
            self._commit([ticket for ticket in batch if ticket])
        self._db.close()

    def _commit(self, batch: list[Ticket]) -> None:
        try:
            self._db.execute("BEGIN")
            for ticket in batch:
                ticket.seq = self._db.execute(ticket.sql, ticket.values).lastrowid or 0
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            log.exception("the ledger could not be written")  # whoever waits is told; not everybody waits
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            _close(batch, error)
        else:
            _close(batch, None)


def _close(batch: list[Ticket], error: sqlite3.Error | None) -> None:
    for ticket in batch:
        ticket.close(error)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode=WAL")
    return db


def _known(table: str) -> str:
    if table not in TABLES:
        raise ValueError(f"the ledger has no table {table!r}")
    return table


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
