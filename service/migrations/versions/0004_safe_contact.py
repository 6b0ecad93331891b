"""How a member may safely be reached, and on what ground somebody under age is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default in (
        ("others_read", sa.false()),
        ("may_text", sa.true()),
        ("may_email", sa.true()),
        ("may_call", sa.true()),
        ("may_leave_voicemail", sa.false()),
    ):
        op.add_column("members", sa.Column(name, sa.Boolean(), nullable=False, server_default=default))
    op.add_column("members", sa.Column("safe_from", sa.Time(), nullable=True))
    op.add_column("members", sa.Column("safe_until", sa.Time(), nullable=True))
    op.add_column("members", sa.Column("safe_asked_on", sa.Date(), nullable=True))
    op.add_column("members", sa.Column("adult_on", sa.Date(), nullable=True))
    route = sa.Enum("minor", "guardian", name="minorroute", native_enum=False, length=24)
    op.add_column("members", sa.Column("minor_route", route, nullable=True))
    op.add_column("members", sa.Column("minor_note_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
