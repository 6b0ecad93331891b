"""Alembic's environment: the connection comes from `service/upgrade.py`, there is no ini file."""

from typing import Any, Literal

from alembic import context

from service.models import Base
from service.models.base import UtcDateTime


def plain_types(kind: str, item: Any, autogen_context: object) -> str | Literal[False]:
    """A migration must not change when our types do: it names the database's own."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "instant()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=plain_types,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
