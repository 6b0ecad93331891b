"""Flags, the pages that call for a person, who is on call, and how a group's texts are watched."""

import sqlalchemy as sa
from alembic import op

from service.migrations import instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def to(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{table}.id")


def upgrade() -> None:
    op.create_table(
        "flags",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("member_id", sa.Uuid(), to("members"), nullable=True, index=True),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("category", sa.String(24), nullable=False),
        sa.Column("pattern", sa.String(80), nullable=False),
        sa.Column("opened_at", instant(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("call_at", instant(), nullable=True),
        sa.Column("acknowledged_at", instant(), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), to("staff"), nullable=True),
        sa.Column("closed_at", instant(), nullable=True),
        sa.Column("closed_by", sa.Uuid(), to("staff"), nullable=True),
        sa.Column("outcome", sa.String(24), nullable=True),
        sa.Column("record_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("quiet_until", instant(), nullable=True),
    )
    op.create_index("ix_flags_closed_at_opened_at", "flags", ["closed_at", "opened_at"])
    op.create_index("ix_flags_address_index", "flags", ["address_index"])
    op.create_table(
        "pages",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("why", sa.String(24), nullable=False),
        sa.Column("flag_id", sa.Uuid(), to("flags"), nullable=True),
        sa.Column("staff_id", sa.Uuid(), to("staff"), nullable=False, index=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(24), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", instant(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("try_at", instant(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(80), nullable=True),
        sa.Column("answered_at", instant(), nullable=True),
    )
    op.create_index("ix_pages_state_try_at", "pages", ["state", "try_at"])
    op.create_index("ix_pages_flag_id", "pages", ["flag_id"])
    op.create_table(
        "contacts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("staff_id", sa.Uuid(), to("staff"), nullable=False, unique=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("mobile_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("tested_at", instant(), nullable=True),
    )
    op.create_table(
        "line_checks",
        sa.Column("country", sa.String(2), primary_key=True),
        sa.Column("verified_on", sa.Date(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), to("staff"), nullable=False),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("staff_id", sa.Uuid(), to("staff"), nullable=False, index=True),
        sa.Column("cover_id", sa.Uuid(), to("staff"), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
    )
    # no batch: a table that is made anew would take the rows that point to it along
    add("replies", sa.Column("flag_id", sa.Uuid(), to("flags"), nullable=True))
    op.create_index("ix_replies_flag_id", "replies", ["flag_id"])
    add("replies", sa.Column("nudged_at", instant(), nullable=True))
    add("members", sa.Column("stopped_at", instant(), nullable=True))
    add("members", sa.Column("stop_reason_sealed", sa.LargeBinary(), nullable=True))
    add("groups", sa.Column("safety", sa.String(24), nullable=False, server_default="unmonitored"))


def add(table: str, column: sa.Column[object]) -> None:
    op.add_column(table, column, inline_references=True)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
