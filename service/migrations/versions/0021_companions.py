"""Guardians, carers and interpreters are reached in their own right for one member."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # in the words of both databases: SQLite adds a constraint only along with its column, and the table must stay
    op.execute(
        "ALTER TABLE members ADD COLUMN reached_for_id "
        f"{sa.Uuid().compile(op.get_bind().dialect)} CONSTRAINT fk_members_reached_for_id REFERENCES members (id) "
        "CONSTRAINT ck_members_of_another CHECK (reached_for_id <> id)"
    )
    op.execute(
        "ALTER TABLE members ADD COLUMN reached_as VARCHAR(24) "
        "CONSTRAINT ck_members_companion CHECK ((reached_for_id IS NULL) = (reached_as IS NULL))"
    )
    op.add_column("members", sa.Column("reached_note_sealed", sa.LargeBinary(), nullable=True))
    op.create_index("ix_members_reached_for_id", "members", ["reached_for_id"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
