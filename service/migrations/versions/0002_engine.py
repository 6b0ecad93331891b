"""What the delivery engine remembers: failures in a row, lost workers, and what went on the other channel instead."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("senders") as senders:
        senders.add_column(sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.add_column(sa.Column("kills", sa.Integer(), nullable=False, server_default="0"))
        deliveries.add_column(sa.Column("instead_of", sa.Uuid(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
