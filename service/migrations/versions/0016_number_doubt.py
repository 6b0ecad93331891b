"""A number that may be another's by now is on hold until somebody of the staff has asked."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("number_doubt", sa.String(24), nullable=True))
    op.add_column("members", sa.Column("number_checked_at", instant(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
