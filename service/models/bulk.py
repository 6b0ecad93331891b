"""Many new rows at once: to have SQLAlchemy take each apart costs more than the database does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table

AT_ONCE = 500
"""Rows of a statement. SQLite takes 32,766 values in one."""
COPIED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
"""How PostgreSQL's COPY reads what would end a value or a row."""

Rows = Sequence[Mapping[str, Any]]


def insert_new(db: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows whose key is not there yet. All have values for the same columns."""
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    insert = _insert_postgresql if db.dialect.name == "postgresql" else _insert_sqlite
    insert(db, table.name, columns, rows)


def _insert_sqlite(db: Connection, table: str, columns: Sequence[Column[Any]], rows: Rows) -> None:
    values = list(zip(*(_told(db, column, rows, lambda value: value) for column in columns), strict=True))
    into = f"INSERT INTO {table} ({_names(columns)}) VALUES "
    places = f"({', '.join('?' * len(columns))})"
    for first in range(0, len(values), AT_ONCE):
        these = values[first : first + AT_ONCE]
        statement = f"{into}{', '.join([places] * len(these))} ON CONFLICT DO NOTHING"
        db.exec_driver_sql(statement, tuple(value for row in these for value in row))


def _insert_postgresql(db: Connection, table: str, columns: Sequence[Column[Any]], rows: Rows) -> None:
    """By way of a table of this connection's own, for COPY itself stumbles over what is there already."""
    lines = map("\t".join, zip(*(_told(db, column, rows, _copied) for column in columns), strict=True))
    db.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS new_{table} (LIKE {table}) ON COMMIT DELETE ROWS")
    names = _names(columns)
    with db.connection.cursor() as cursor, cursor.copy(f"COPY new_{table} ({names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
        copy.write("\n".join(lines) + "\n")
    db.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM new_{table} ON CONFLICT DO NOTHING")
    db.exec_driver_sql(f"TRUNCATE new_{table}")


def _told(db: Connection, column: Column[Any], rows: Rows, told: Callable[[Any], Any]) -> list[Any]:
    """A column's values as the driver takes them. Most come many times: a session's start, the words for a kind."""
    process: Callable[[Any], Any] | None = column.type.dialect_impl(db.dialect).bind_processor(db.dialect)
    values = [row[column.name] for row in rows]
    known = {value: told(process(value) if process else value) for value in set(values)}
    return [known[value] for value in values]


def _copied(value: object) -> str:
    return r"\N" if value is None else str(value).translate(COPIED)


def _names(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)
