# SPDX-License-Identifier: Apache-2.0
"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "catalogue",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_table(
        "events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("relocation", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_by_relocation", "events", ["relocation", "id"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("relocation", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung", sa.String(length=8), nullable=False),
        sa.Column("claim", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("relocation", "seq"),
    )
    op.create_table(
        "failures",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("relocation", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("vantage", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_failures_relocation"), "failures", ["relocation"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("relocation", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "leases",
        sa.Column("application", sa.String(length=63), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("application"),
    )
    op.create_table(
        "placements",
        sa.Column("application", sa.String(length=63), nullable=False),
        sa.Column("cluster", sa.String(length=63), nullable=False),
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("application", "cluster"),
    )
    op.create_table(
        "relocations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("application", sa.String(length=63), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("view", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_relocations_application"), "relocations", ["application"], unique=False)
    op.create_index(op.f("ix_relocations_created_at"), "relocations", ["created_at"], unique=False)
    op.create_index(op.f("ix_relocations_status"), "relocations", ["status"], unique=False)
    op.create_table(
        "ue_events",
        sa.Column("source", sa.String(length=256), nullable=False),
        sa.Column("id", sa.String(length=256), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("relocation", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("source", "id"),
    )
    op.create_table(
        "watched",
        sa.Column("relocation", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("vantage", sa.String(length=128), nullable=False),
        sa.Column("second", NUMBER, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("relocation", "route", "vantage", "second"),
    )
    op.create_table(
        "steering_acknowledgements",
        sa.Column("gateway", sa.String(length=63), nullable=False),
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "instance", "route"),
    )
    op.create_table(
        "steering_control_replicas",
        sa.Column("replica", sa.String(length=128), nullable=False),
        sa.Column("poke", sa.String(length=300), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("replica"),
    )
    op.create_table(
        "steering_endpoints",
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("endpoints", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance"),
    )
    op.create_table(
        "steering_gateway_instances",
        sa.Column("gateway", sa.String(length=63), nullable=False),
        sa.Column("instance", sa.String(length=128), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("replica", sa.String(length=128), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "instance"),
    )
    op.create_table(
        "steering_route_hosts",
        sa.Column("gateway", sa.String(length=63), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "host"),
    )
    op.create_table(
        "steering_routes",
        sa.Column("gateway", sa.String(length=63), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "route"),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("steering_routes")
    op.drop_table("steering_route_hosts")
    op.drop_table("steering_gateway_instances")
    op.drop_table("steering_endpoints")
    op.drop_table("steering_control_replicas")
    op.drop_table("steering_acknowledgements")
    op.drop_table("watched")
    op.drop_table("ue_events")
    op.drop_index(op.f("ix_relocations_status"), table_name="relocations")
    op.drop_index(op.f("ix_relocations_created_at"), table_name="relocations")
    op.drop_index(op.f("ix_relocations_application"), table_name="relocations")
    op.drop_table("relocations")
    op.drop_table("placements")
    op.drop_table("leases")
    op.drop_table("idempotency")
    op.drop_index(op.f("ix_failures_relocation"), table_name="failures")
    op.drop_table("failures")
    op.drop_table("evidence")
    op.drop_index("events_by_relocation", table_name="events")
    op.drop_table("events")
    op.drop_table("catalogue")
