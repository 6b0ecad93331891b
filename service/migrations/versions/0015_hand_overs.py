"""What waits of somebody's words can be handed to a named colleague."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hand_overs",
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["from_id"], ["staff.id"], name=op.f("fk_hand_overs_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["staff.id"], name=op.f("fk_hand_overs_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_overs")),
    )
    op.create_index("ix_hand_overs_to_id", "hand_overs", ["to_id"])
    # no batch: a table that is made anew would take the rows that point to it along
    handed = sa.Column("hand_over_id", sa.Uuid(), sa.ForeignKey("hand_overs.id"), nullable=True)
    op.add_column("replies", handed, inline_references=True)
    op.create_index("ix_replies_hand_over_id", "replies", ["hand_over_id"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
