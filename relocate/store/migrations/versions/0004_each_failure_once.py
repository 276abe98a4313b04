# SPDX-License-Identifier: Apache-2.0
"""Each failure that the prober saw is kept once, also when it is handed over again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "failures"
ONCE = ["relocation", "route", "vantage", "at"]


def upgrade() -> None:
    """Go forward; of what was told twice the first is kept."""
    failures = sa.table(TABLE, sa.column("id"), *(sa.column(name) for name in ONCE))
    first = sa.select(sa.func.min(failures.c.id)).group_by(*(failures.c[name] for name in ONCE))
    op.execute(sa.delete(failures).where(failures.c.id.not_in(first)))
    op.create_index("failures_once", TABLE, ONCE, unique=True)
    op.drop_index(op.f("ix_failures_relocation"), table_name=TABLE)


def downgrade() -> None:
    """Go back."""
    op.create_index(op.f("ix_failures_relocation"), TABLE, ["relocation"], unique=False)
    op.drop_index("failures_once", table_name=TABLE)
