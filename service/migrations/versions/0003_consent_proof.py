"""What speaks for a consent is kept beside it, sealed, and the version of the words."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch: it would make the table anew, without the triggers that keep its rows as they are
    op.add_column("consents", sa.Column("version", sa.String(length=12), nullable=False, server_default=""))
    op.add_column("consents", sa.Column("proof_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("invitations", sa.Column("wording", sa.String(length=2000), nullable=False, server_default=""))
    op.add_column("invitations", sa.Column("proof_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead.")
