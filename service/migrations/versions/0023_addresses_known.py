"""Deliveries are found by their address once it is known: what is only planned is left out of that index."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

IS_KNOWN = sa.text("address_index IS NOT NULL")


def upgrade() -> None:
    name, columns = "ix_deliveries_address_index_marked_at", ["address_index", "marked_at"]
    op.drop_index(name, "deliveries")
    op.create_index(name, "deliveries", columns, sqlite_where=IS_KNOWN, postgresql_where=IS_KNOWN)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
