"""Authenticator apps, passkeys and recovery codes of staff, and sign-ins that wait for one of them."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("id", sa.Uuid(), primary_key=True),
        of_staff(),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("label_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("seed_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=True, unique=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("confirmed_at", instant(), nullable=True),
        sa.Column("used_at", instant(), nullable=True),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        of_staff(),
        sa.Column("code_hash", sa.String(200), nullable=False),
        sa.Column("used_at", instant(), nullable=True),
    )
    op.create_table(
        "second_steps",
        sa.Column("id", sa.Uuid(), primary_key=True),
        of_staff(),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("ended_at", instant(), nullable=True),
    )


def of_staff() -> sa.Column[object]:
    return sa.Column("staff_id", sa.Uuid(), sa.ForeignKey("staff.id"), nullable=False, index=True)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
