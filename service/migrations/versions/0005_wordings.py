"""The texts in staff's own words, in versions, and which of them a message went out with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wordings",
        sa.Column("medium", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.String(length=32).with_variant(sa.DateTime(timezone=True), "postgresql"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_wordings_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wordings")),
        sa.UniqueConstraint(
            "medium", "key", "language", "version", name=op.f("uq_wordings_medium_key_language_version")
        ),
    )
    op.add_column("practices", sa.Column("wordings_version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("practices", sa.Column("part_price", sa.String(length=12), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("wording", sa.String(length=60), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
