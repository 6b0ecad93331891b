"""The database's changes, one after the other."""

import sqlalchemy as sa
from alembic import op


def instant() -> sa.String:
    """Text that sorts on SQLite, timestamptz on PostgreSQL, as `service.models.base.UtcDateTime` reads them."""
    return sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def append_only(table: str) -> None:
    """Rows of this table can be added and never changed or taken away, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
