"""Whom of the members an entry of the audit is about, and ways to find the entries of one person."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch: on SQLite it makes the table anew, without the triggers that keep it as it is
    op.add_column("audit_entries", sa.Column("member_id", sa.Uuid(), nullable=True))
    op.create_index("ix_audit_entries_member_id", "audit_entries", ["member_id"])
    op.create_index("ix_audit_entries_staff_id_at", "audit_entries", ["staff_id", "at"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
