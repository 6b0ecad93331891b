"""Sign-ins say on which device and when the password was typed last; tries at passwords are counted one by one."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM sign_ins")  # everybody signs in anew
    op.add_column("sign_ins", sa.Column("proved_at", instant(), nullable=False, server_default="2000-01-01"))
    op.add_column("sign_ins", sa.Column("device", sa.String(length=40), nullable=False, server_default=""))
    op.drop_column("staff", "failures")
    op.drop_column("staff", "locked_until")
    op.create_table(
        "sign_in_tries",
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("network_index", sa.LargeBinary(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_tries")),
    )
    op.create_index("ix_sign_in_tries_email_index_at", "sign_in_tries", ["email_index", "at"])
    op.create_index("ix_sign_in_tries_network_index_at", "sign_in_tries", ["network_index", "at"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
