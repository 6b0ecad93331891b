"""A group's replies may be read at other hours than the practice's."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("reading_hours", sa.String(length=40), nullable=False, server_default=""))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
