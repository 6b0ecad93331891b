"""How long what was written is kept, and who was erased."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default in (("keep_words_months", "12"), ("keep_bodies_days", "30"), ("keep_log_months", "13")):
        op.add_column("practices", sa.Column(name, sa.Integer(), nullable=False, server_default=default))
    op.add_column("practices", sa.Column("purged_on", sa.Date(), nullable=True))
    op.add_column("members", sa.Column("erased_at", instant(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
