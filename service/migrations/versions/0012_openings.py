"""What an administrator opened for a reason, and for how long."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "openings",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", instant(), nullable=False),
        sa.Column("ends_at", instant(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_openings_staff_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_openings_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_openings")),
    )
    op.create_index("ix_openings_member_id", "openings", ["member_id"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
