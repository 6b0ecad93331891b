"""What every table shares: ids, aware UTC times, words for states."""

import os
import time as machine_time
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, DateTime, Dialect, Enum, LargeBinary, MetaData, String, Time, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


def uuid7() -> UUID:
    """A new id that sorts by the time it was made (RFC 9562, 5.7)."""
    millis = machine_time.time_ns() // 1_000_000
    return time_ordered_uuid(millis, int.from_bytes(os.urandom(10), "big"))


def time_ordered_uuid(millis: int, rest: int) -> UUID:
    """An id of version 7 from a time in milliseconds and 80 bits, of which 74 are used."""
    value = (millis & (1 << 48) - 1) << 80 | rest & (1 << 80) - 1
    value = value & ~(0xF000 << 64) | 7 << 76
    return UUID(int=value & ~(0xC000 << 48) | 0x8000 << 48)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Naive ones are refused; text that sorts on SQLite, timestamptz on PostgreSQL."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored.")
        instant = value.astimezone(UTC)
        return instant if dialect.name == "postgresql" else instant.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # PostgreSQL gives instants back in the server's zone
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)


def words(enum: type[StrEnum], *, checked: bool = False) -> Enum:
    """A column that holds the words of `enum`, not the names of its members. `checked`: the database refuses others."""
    return Enum(
        enum,
        native_enum=False,
        length=24,
        create_constraint=checked,
        name=enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it by this name
        datetime: UtcDateTime(),
        UUID: Uuid(),
        bytes: LargeBinary(),
        time: Time(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class Identified(Base):
    """A row with an id of its own, given when it is made: sealed texts are bound to it."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)

    def __init__(self, **values: Any) -> None:
        super().__init__(id=values.pop("id", None) or uuid7(), **values)


__all__ = ["Base", "Identified", "UtcDateTime", "date", "time_ordered_uuid", "uuid7", "words"]
