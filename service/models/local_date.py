"""The day of an instant on the clock of a place: SQL has no word for it that both databases understand."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

NAME = "local_date"


class local_date(FunctionElement[date]):  # noqa: N801  reads as the function that it is
    """`local_date(instant, zone)` in a query."""

    type = Date()
    inherit_cache = True
    name = NAME


@compiles(local_date, "sqlite")
def _of_ours(element: local_date, compiler: SQLCompiler, **named: Any) -> str:
    return f"{NAME}({compiler.process(element.clauses, **named)})"


@compiles(local_date, "postgresql")
def _of_postgresql(element: local_date, compiler: SQLCompiler, **named: Any) -> str:
    at, zone = (compiler.process(clause, **named) for clause in element.clauses)
    return f"CAST(timezone({zone}, {at}) AS DATE)"


def on_sqlite(at: str, zone: str) -> str:
    """What SQLite calls by that name: instants are kept as text there."""
    return datetime.fromisoformat(at).astimezone(_zone(zone)).date().isoformat()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
