"""What a run leaves behind, in one folder: the only thing that the checker reads."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

Row = dict[str, Any]

DELIVERIES = """
SELECT id, kind, channel, member_id, group_session_id AS session, start_revision AS revision, due_at, expires_at,
       state, reason FROM deliveries
"""
OPEN = """
SELECT count(*) FROM deliveries
WHERE (state = 'scheduled' AND due_at <= :until) OR state = 'sending' OR (state = 'unknown' AND channel <> :awaited)
"""
EVENTS = "SELECT delivery_id, was, now, at, by, reason FROM delivery_events ORDER BY seq"


@dataclass(frozen=True)
class Folder:
    """Where everything of one run lies."""

    path: Path

    @property
    def sandbox(self) -> Path:
        return self.path / "sandbox"

    @property
    def data(self) -> Path:
        return self.path / "var"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def notes(self) -> Path:
        return self.path / "notes.jsonl"

    @property
    def sqlite_url(self) -> str:
        return f"sqlite:///{self.data / 'groupkeeper.db'}"


class Notebook:
    """The driver's own log: what it planned, committed and broke, and when. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def write(self, what: str, **facts: object) -> None:
        line = json.dumps({"what": what, **facts})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


@dataclass(frozen=True)
class Evidence:
    """Everything that was written down. Instants are seconds since 1970, ids are hex without dashes."""

    notes: list[Row]
    accepted: list[Row]
    webhooks: list[Row]
    deliveries: list[Row]
    events: dict[str, list[Row]]
    logs: dict[str, list[str]]

    def of(self, what: str) -> list[Row]:
        return [note for note in self.notes if note["what"] == what]


def gather(folder: Folder, database_url: str) -> Evidence:
    return evidence_of(folder, *_database(database_url))


def evidence_of(folder: Folder, deliveries: list[Row], events: dict[str, list[Row]]) -> Evidence:
    return Evidence(
        notes=[json.loads(line) for line in folder.notes.read_text("utf-8").splitlines()],
        accepted=list(_ledger(folder, "accepted", "direction = 'outbound-api'")),
        webhooks=list(_ledger(folder, "deliveries", "kind IN ('status', 'events')")),
        deliveries=deliveries,
        events=events,
        logs={path.stem: path.read_text("utf-8", "replace").splitlines() for path in sorted(folder.logs.iterdir())},
    )


def _ledger(folder: Folder, table: str, condition: str) -> Iterator[Row]:
    with closing(sqlite3.connect(f"file:{folder.sandbox / 'ledger.db'}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        for row in db.execute(f"SELECT * FROM {table} WHERE {condition} ORDER BY seq"):
            found = dict(row)
            if found.get("app_message_id"):
                found["app_message_id"] = hex_id(found["app_message_id"])
            yield found


def _database(url: str) -> tuple[list[Row], dict[str, list[Row]]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as db:
        deliveries = [_plain(row) for row in db.execute(text(DELIVERIES)).mappings()]
        events: dict[str, list[Row]] = {}
        for row in db.execute(text(EVENTS)).mappings():
            event = _plain(row)
            events.setdefault(event["delivery_id"], []).append(event)
    engine.dispose()
    return deliveries, events


def _plain(row: Any) -> Row:
    ids, times = ("id", "delivery_id", "member_id", "session"), ("at", "due_at", "expires_at")
    found = dict(row)
    found |= {name: hex_id(found[name]) for name in ids if found.get(name) is not None}
    return found | {name: seconds(found[name]) for name in times if found.get(name) is not None}


def hex_id(value: object) -> str:
    return str(value).replace("-", "").lower()


def seconds(value: object) -> float:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def open_deliveries(url: str, until: float, awaited: str = "") -> int:
    """How many of what was due by then are not done with, but for what is awaited on that channel; one where the
    database cannot say."""
    moment = datetime.fromtimestamp(until, UTC)
    told = moment.isoformat(timespec="microseconds") if url.startswith("sqlite") else moment
    found = _ask(url, OPEN, {"until": told, "awaited": awaited})
    return 1 if found is None else found


def wait_for_database(url: str) -> None:
    while _ask(url, "SELECT 1", {}) is None:
        time.sleep(0.05)


def _ask(url: str, query: str, values: Row) -> int | None:
    engine = create_engine(url, poolclass=NullPool)
    with suppress(SQLAlchemyError), engine.connect() as db:
        return int(db.execute(text(query), values).scalar_one())
    return None
