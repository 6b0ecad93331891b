"""Many rows at once: to have SQLAlchemy take each apart costs more than the database does."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    String,
    Table,
    Update,
    Uuid,
    bindparam,
    cast,
    column,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import Boolean, Text, TypeDecorator, TypeEngine

SIZES = (500, 50, 1)
"""Rows of a statement on SQLite, which takes 32,766 values in one. To read a statement costs it more than to run it:
of these few it knows the text already."""
OF = "of"
"""The id of the row to be changed."""
FROM_HEX = "from_hex"
"""SQLite is given this function with each connection: its own `unhex` is younger than Python's SQLite may be (3.41)."""

Rows = Sequence[Mapping[str, Any]]
Columns = Mapping[str, Sequence[Any]]


def among(of: ColumnElement[Any] | InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """Whether the column's value is among those that are bound by this name.

    One parameter for all, so that the statement reads alike however many there are. With `IN` and a mark for each,
    SQLAlchemy puts its text together every time, and the database plans it anew.
    """
    return _Among(of, bindparam(name, type_=_Many(of.type)))


def from_hex(text: str | None) -> bytes | None:
    """As every function of SQL: of NULL it is NULL."""
    return None if text is None else bytes.fromhex(text)


class _Many(TypeDecorator[Collection[Any]]):
    """Values as one text: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> str:
        told = _told(dialect, self.of, list(value or ()))
        return _array(self.of, told) if dialect.name == "postgresql" else json.dumps(told, default=bytes.hex)


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> ColumnElement[bool]:  # type: ignore[override]
        """A condition as it stands. SQLAlchemy takes a function for a number on SQLite, and compares it with 1."""
        return self


@compiles(_Among)
def _in_json(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    of, many = (compiler.process(one, **named) for one in element.clauses)
    value = f"{FROM_HEX}(value)" if isinstance(next(iter(element.clauses)).type, LargeBinary) else "value"
    return f"{of} IN (SELECT {value} FROM json_each({many}))"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    of, many = (compiler.process(one, **named) for one in element.clauses)
    word = _unlimited(next(iter(element.clauses)).type).compile(compiler.dialect)
    return f"{of} = ANY (CAST({many} AS {word}[]))"


def insert_new(db: Connection, table: Table, columns: Columns, alike: Mapping[str, Any]) -> None:
    """Insert the rows whose key is not there yet, given as the values of each column, and what all have alike."""
    if not any(columns.values()):
        return
    put = _insert_postgresql if db.dialect.name == "postgresql" else _insert_sqlite
    put(db, table, columns, alike)


def update_each(db: Connection, statement: Update, rows: Rows) -> None:
    """Run the statement for each row: the one whose id is the row's `of` gets the row's other values. All have values
    for the same columns."""
    if db.dialect.name == "postgresql":
        types = _types(statement, tuple(rows[0]))
        arrays = {name: _array(of, _told(db.dialect, of, [row[name] for row in rows])) for name, of in types.items()}
        db.execute(_at_once(statement, tuple(types)), arrays)
        return
    compiled = _compiled(statement, db.dialect, tuple(rows[0]))
    alike = compiled.params  # made anew each time that it is asked for
    columns = [_of_all(db, compiled, name, rows, alike) for name in compiled.positiontup or ()]
    db.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


@lru_cache(32)
def _at_once(statement: Update, names: tuple[str, ...]) -> Update:
    """PostgreSQL: of all rows in one statement. Each statement costs the server as much as the change itself."""
    table = statement.table.c
    types = _types(statement, names)
    arrays = (cast(bindparam(name, type_=Text()), ARRAY(_unlimited(of))) for name, of in types.items())
    new = func.unnest(*arrays).table_valued(*(column(name, of) for name, of in types.items())).render_derived("new")
    return statement.where(table.id == new.c[OF]).values({name: new.c[name] for name in names if name != OF})


def _types(statement: Update, names: Sequence[str]) -> Mapping[str, TypeEngine[Any]]:
    return {name: statement.table.c[name if name != OF else "id"].type for name in names}


@lru_cache(32)
def _compiled(statement: Update, dialect: Dialect, names: tuple[str, ...]) -> SQLCompiler:
    one = statement.where(statement.table.c.id == bindparam(OF))
    compiled = one.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _of_all(db: Connection, compiled: SQLCompiler, name: str, rows: Rows, alike: Mapping[str, Any]) -> Sequence[Any]:
    """One parameter's values for all rows: the row's own, or what the statement says."""
    values = [row[name] for row in rows] if name in rows[0] else [alike[name]] * len(rows)
    return _told(db.dialect, compiled.binds[name].type, values)


def _insert_sqlite(db: Connection, table: Table, columns: Columns, alike: Mapping[str, Any]) -> None:
    told = [_told(db.dialect, table.c[name].type, values) for name, values in columns.items()]
    same = tuple(_told(db.dialect, table.c[name].type, [value])[0] for name, value in alike.items())
    flat = tuple(chain.from_iterable(zip(*told, strict=True)))
    # what is alike is bound once, and by number: each mark without one stands for the next value after the last
    row = f"({', '.join([*(f'?{n + 1}' for n in range(len(same))), *'?' * len(told)])})"
    into = f"INSERT INTO {table.name} ({', '.join([*alike, *columns])}) VALUES"
    for size in SIZES:
        width = size * len(told)
        whole = len(flat) // width * width
        if whole:
            rows = [same + flat[first : first + width] for first in range(0, whole, width)]
            db.exec_driver_sql(f"{into} {', '.join([row] * size)} ON CONFLICT DO NOTHING", rows)
        flat = flat[whole:]


def _insert_postgresql(db: Connection, table: Table, columns: Columns, alike: Mapping[str, Any]) -> None:
    """All of a column's values are one text: the client spells out each once, and the server takes them apart."""
    types = {name: table.c[name].type for name in (*columns, *alike)}
    arrays = [_array(types[name], _told(db.dialect, types[name], values)) for name, values in columns.items()]
    same = [_told(db.dialect, types[name], [value])[0] for name, value in alike.items()]
    db.exec_driver_sql(_taken_apart(table, db.dialect, tuple(columns), tuple(alike)), (*same, *arrays))


@lru_cache(32)
def _taken_apart(table: Table, dialect: Dialect, columns: tuple[str, ...], alike: tuple[str, ...]) -> str:
    words = {name: _unlimited(table.c[name].type).compile(dialect) for name in (*columns, *alike)}
    rows = ", ".join([*(f"%s::{words[name]}" for name in alike), "new.*"])
    arrays = ", ".join(f"%s::{words[name]}[]" for name in columns)
    into = f"INSERT INTO {table.name} ({', '.join([*alike, *columns])})"
    return f"{into} SELECT {rows} FROM unnest({arrays}) AS new ON CONFLICT DO NOTHING"


def _unlimited(of: TypeEngine[Any]) -> TypeEngine[Any]:
    """A text without its length: to cast to it would cut off what is too long."""
    return Text() if isinstance(of, String) else of


def _array(of: TypeEngine[Any], told: Sequence[Any]) -> str:
    texts = [one or "NULL" for one in told] if isinstance(of, Uuid) else _each(_quoted, told)
    return f"{{{','.join(texts)}}}"


def _quoted(value: Any) -> str:
    """A value within the text of an array, as PostgreSQL reads it. `translate` would take ten times as long."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return rf'"\\x{value.hex()}"'
    text = str(value).replace("\\", r"\\").replace('"', r"\"")
    return f'"{text}"'


def _told(dialect: Dialect, of: TypeEngine[Any], values: Sequence[Any]) -> Sequence[Any]:
    """Values as the database reads them."""
    if isinstance(of, Uuid):  # its own `hex` takes thrice as long, and to compare two of them longer still
        return [value and value.int.to_bytes(16, "big").hex() for value in values]
    if isinstance(of, LargeBinary):  # both take bytes as they are, and hardly any come twice
        return values
    process = of.dialect_impl(dialect).bind_processor(dialect)
    return values if process is None else _each(process, values)


def _each(process: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Most values come many times: a session's start, the words for a kind."""
    known = {value: process(value) for value in set(values)}
    return [known[value] for value in values]
