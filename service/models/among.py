"""Whether a column holds one of many ids, given as one value: the statement is the same however many there are."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Dialect, String, Uuid, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Ids(TypeDecorator[Sequence[UUID]]):
    """An array on PostgreSQL, JSON on SQLite, which has none."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Dialect) -> Any:
        ids = value or ()
        return list(ids) if dialect.name == "postgresql" else json.dumps([one.hex for one in ids])


class _Among(FunctionElement[bool]):
    """Without the type of a boolean: SQLAlchemy would compare it with 1 on SQLite, which then reads the whole table."""

    inherit_cache = True


def among(column: InstrumentedAttribute[Any] | ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the column holds one of the ids that the statement is given by this name."""
    return _Among(column, bindparam(name, type_=_Ids()))


@compiles(_Among)
def _on_sqlite(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, ids = (compiler.process(one, **named) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, ids = (compiler.process(one, **named) for one in element.clauses)
    return f"{column} = ANY({ids})"
