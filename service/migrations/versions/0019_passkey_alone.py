"""A browser that shows a passkey alone has not said whose it is."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("second_steps") as batch_op:
        batch_op.alter_column("staff_id", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
