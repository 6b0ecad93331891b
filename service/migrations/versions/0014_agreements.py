"""A group's agreement and who agreed to it; a line for the week with each session."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("group_sessions", sa.Column("line_sealed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "agreements",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("at", instant(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("fk_agreements_group_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_agreements_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("group_id", "version", name=op.f("uq_agreements_group_id_version")),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_acknowledgements_agreement_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_acknowledgements_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgements")),
        sa.UniqueConstraint("agreement_id", "member_id", name=op.f("uq_acknowledgements_agreement_id_member_id")),
    )
    op.create_index("ix_acknowledgements_member_id", "acknowledgements", ["member_id"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
