"""When each group's plan was last looked at, so that a clock that starts anew does not plan everything again."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("planned_at", instant(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
