# SPDX-License-Identifier: Apache-2.0
"""By which attempt of which order a claim was made: one that comes late puts nothing on record."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "evidence"


def upgrade() -> None:
    """Go forward."""
    op.add_column(TABLE, sa.Column("sequence", sa.Integer(), nullable=True))
    op.add_column(TABLE, sa.Column("attempt", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column(TABLE, "attempt")
    op.drop_column(TABLE, "sequence")
