# SPDX-License-Identifier: Apache-2.0
"""A relocation that another workflow starts says which one does."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = "relocations"


def upgrade() -> None:
    """Go forward; those from before were all started by ourselves."""
    op.add_column(TABLE, sa.Column("parent", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column(TABLE, "parent")
