# SPDX-License-Identifier: Apache-2.0
"""What drivers keep of instances, and what only one process may do at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "instances",
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("application", sa.String(length=63), nullable=False),
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("cluster", "application", "instance"),
    )
    op.create_index("instances_of_application", "instances", ["application"])
    op.create_table(
        "exclusions",
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("exclusions")
    op.drop_table("instances")
