# SPDX-License-Identifier: Apache-2.0
"""Workflow intents of EMCO's."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "workflow_intents"
KEY = ("project", "composite_app", "composite_app_version", "deployment_intent_group", "name")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.String(length=128), nullable=False) for name in KEY),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(*KEY),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table(TABLE)
