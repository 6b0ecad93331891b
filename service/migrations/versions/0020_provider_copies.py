"""Words that are gone here and still to be blanked at the text provider."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_copies",
        sa.Column("provider_id", sa.String(160), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("since", instant(), nullable=False),
        sa.Column("next_at", instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failing_since", instant(), nullable=True),
        sa.Column("trouble", sa.String(80), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_provider_copies_member_id")),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_provider_copies")),
    )
    op.create_index("ix_provider_copies_member_id", "provider_copies", ["member_id"])
    op.create_index("ix_provider_copies_next_at", "provider_copies", ["next_at"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
