"""What the text provider calls the text by which a reply was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("replies", sa.Column("answer_provider_id", sa.String(64), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
