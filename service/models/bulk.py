"""Many rows at once: to have SQLAlchemy take each apart costs more than the database does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Insert,
    Table,
    TableValuedAlias,
    Update,
    bindparam,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

AT_ONCE = 500
"""Rows of a statement. SQLite takes 32,766 values in one."""
OF = "of"
"""The id of the row to be changed."""
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


def insert_all(db: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows, which are new. All have values for the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    if db.dialect.name == "postgresql":
        db.execute(_all_new(table, names), {name: [row[name] for row in rows] for name in names})
    else:
        _insert_sqlite(db, table.name, [table.c[name] for name in names], rows)


def update_each(db: Connection, statement: Update, rows: Rows) -> None:
    """Run the statement for each row: the one whose id is the row's `of` gets the row's other values. All have values
    for the same columns."""
    if db.dialect.name == "postgresql":
        names = tuple(rows[0])
        db.execute(_at_once(statement, names), {name: [row[name] for row in rows] for name in names})
        return
    compiled = _compiled(statement, db.dialect, tuple(rows[0]))
    columns = [_of_all(db, compiled, name, rows) for name in compiled.positiontup or ()]
    db.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


@lru_cache(32)
def _at_once(statement: Update, names: tuple[str, ...]) -> Update:
    """PostgreSQL: of all rows in one statement. Each statement costs the server as much as the change itself."""
    table = statement.table.c
    new = _unnested({name: table[name if name != OF else "id"].type for name in names})
    return statement.where(table.id == new.c[OF]).values({name: new.c[name] for name in names if name != OF})


@lru_cache(32)
def _all_new(table: Table, names: tuple[str, ...]) -> Insert:
    new = _unnested({name: table.c[name].type for name in names})
    return insert(table).from_select(names, select(*(new.c[name] for name in names)))


def _unnested(types: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """The rows whose values are given as one array for each column."""
    columns = (bindparam(name, type_=ARRAY(of)) for name, of in types.items())
    return func.unnest(*columns).table_valued(*(column(name, of) for name, of in types.items())).render_derived("new")


@lru_cache(32)
def _compiled(statement: Update, dialect: Dialect, names: tuple[str, ...]) -> SQLCompiler:
    one = statement.where(statement.table.c.id == bindparam(OF))
    compiled = one.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _of_all(db: Connection, compiled: SQLCompiler, name: str, rows: Rows) -> list[Any]:
    """One parameter's values for all rows: the row's own, or what the statement says."""
    its = compiled.params[name]
    values = [row[name] for row in rows] if name in rows[0] else [its] * len(rows)
    return _told(db, compiled.binds[name].type, values)


def _insert_sqlite(db: Connection, table: str, columns: Sequence[Column[Any]], rows: Rows) -> None:
    values = list(zip(*_by_column(db, columns, rows), strict=True))
    into = f"INSERT INTO {table} ({_names(columns)}) VALUES "
    places = f"({', '.join('?' * len(columns))})"
    for first in range(0, len(values), AT_ONCE):
        these = values[first : first + AT_ONCE]
        statement = f"{into}{', '.join([places] * len(these))} ON CONFLICT DO NOTHING"
        db.exec_driver_sql(statement, tuple(value for row in these for value in row))


def _insert_postgresql(db: Connection, table: str, columns: Sequence[Column[Any]], rows: Rows) -> None:
    """By way of a table of this connection's own, for COPY itself stumbles over what is there already."""
    copied = (_copied(values) for values in _by_column(db, columns, rows))
    lines = map("\t".join, zip(*copied, strict=True))
    db.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS new_{table} (LIKE {table}) ON COMMIT DELETE ROWS")
    names = _names(columns)
    with db.connection.cursor() as cursor, cursor.copy(f"COPY new_{table} ({names}) FROM STDIN") as copy:  # type: ignore[attr-defined]
        copy.write("\n".join(lines) + "\n")
    db.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM new_{table} ON CONFLICT DO NOTHING")
    db.exec_driver_sql(f"TRUNCATE new_{table}")


def _by_column(db: Connection, columns: Sequence[Column[Any]], rows: Rows) -> Iterator[list[Any]]:
    return (_told(db, column.type, [row[column.name] for row in rows]) for column in columns)


def _told(db: Connection, of: TypeEngine[Any], values: Sequence[Any]) -> list[Any]:
    """Values as the driver takes them. Most come many times: a session's start, the words for a kind."""
    process: Callable[[Any], Any] | None = of.dialect_impl(db.dialect).bind_processor(db.dialect)
    if process is None:
        return list(values)
    known = {value: process(value) for value in set(values)}
    return [known[value] for value in values]


def _copied(values: Sequence[Any]) -> list[str]:
    known = {value: r"\N" if value is None else str(value).translate(COPIED) for value in set(values)}
    return [known[value] for value in values]


def _names(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)
