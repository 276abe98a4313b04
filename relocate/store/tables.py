# SPDX-License-Identifier: Apache-2.0
"""The tables of the orchestrator. The routes' tables are in `steering.store.tables`; both live in one database."""

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
)

from relocate.model.values import DEFAULT_PROJECT
from steering.store.tables import Moment, Words

METADATA = MetaData()

APPEND_ONLY: Mapping[str, Sequence[str]] = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{action} BEFORE {action} ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        for action in ("update", "delete")
    ],
    "postgresql": [
        """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$""",
        """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()""",
    ],
}
"""What makes a database refuse to change the audit, by its dialect."""

Number = Integer().with_variant(BigInteger(), "postgresql")
"""64 bits in every database; SQLite counts rows by the type that is called INTEGER, and by no other."""


CATALOGUE = Table(
    "catalogue",
    METADATA,
    Column("kind", String(32), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
"""Applications, clusters and gateways as configured."""

PLACEMENTS = Table(
    "placements",
    METADATA,
    Column("application", String(63), primary_key=True),
    Column("cluster", String(63), primary_key=True),
    Column("instance", String(128), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""Which instances are ours. `active` is the one that serves; a relocation's target is not active until it ends."""

LEASES = Table(
    "leases",
    METADATA,
    Column("application", String(63), primary_key=True),
    Column("lease", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("holder", String(64)),
)
"""One row an application: the lease number only rises; `holder` is the running relocation, or null."""

RELOCATIONS = Table(
    "relocations",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("application", String(63), nullable=False),
    Column("project", String(128), nullable=False, server_default=DEFAULT_PROJECT),
    Column("status", String(32), nullable=False),
    Column("outcome", String(32)),
    Column("lease", Integer, nullable=False),
    Column("started", Boolean, nullable=False),
    Column("parent", JSON(none_as_null=True), nullable=True),
    Column("view", JSON, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
    Column("finished_at", Moment, index=True),
    Index("relocations_of_application", "application", "created_at"),
    Index("relocations_of_project", "project", "created_at"),
    Index("relocations_by_status", "status", "created_at"),
    Index("relocations_by_outcome", "outcome", "created_at"),
)
Index(
    "relocations_not_started",
    RELOCATIONS.c.created_at,
    sqlite_where=~RELOCATIONS.c.started,
    postgresql_where=~RELOCATIONS.c.started,
)
"""`project` is whose application it was when it was asked for. `parent` is the workflow that starts it, where we do not. What each page and the sweeper ask for is found without reading what has ended: that only ever grows."""

IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("relocation", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("relocation", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("data", JSON, nullable=False),
    Index("events_by_relocation", "relocation", "id"),
)
"""What happened, in order; server-sent events resume by `id`."""

EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("relocation", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("rung", String(8), nullable=False),
    Column("claim", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sequence", Integer, nullable=True),
    Column("attempt", Integer, nullable=True),
)
"""The proof: claims chained by SHA-256, each over the one before. Where an activity made it, beside it stands for which step
of the application's lease, and in which attempt."""

WATCHED = Table(
    "watched",
    METADATA,
    Column("relocation", String(64), primary_key=True),
    Column("route", String(63), primary_key=True),
    Column("vantage", String(128), primary_key=True),
    Column("second", Number, primary_key=True),
    Column("body", JSON, nullable=False),
)
"""The prober's seconds: counts and latency histogram by side, for each vantage."""

FAILURES = Table(
    "failures",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("relocation", String(64), nullable=False),
    Column("route", String(63), nullable=False),
    Column("vantage", String(128), nullable=False),
    Column("at", Moment, nullable=False),
    Column("text", Words, nullable=False),
    Index("failures_once", "relocation", "route", "vantage", "at", unique=True),
)
"""Every failure that the prober saw, verbatim. A vantage has one request due at a time."""

WORKFLOW_INTENTS = Table(
    "workflow_intents",
    METADATA,
    Column("project", String(128), primary_key=True),
    Column("composite_app", String(128), primary_key=True),
    Column("composite_app_version", String(128), primary_key=True),
    Column("deployment_intent_group", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""EMCO's intents to have a workflow started, as Go writes them."""

UE_EVENTS = Table(
    "ue_events",
    METADATA,
    Column("source", String(256), primary_key=True),
    Column("id", String(256), primary_key=True),
    Column("received_at", Moment, nullable=False),
    Column("body", JSON, nullable=False),
    Column("decision", String(32), nullable=False),
    Column("reason", Words, nullable=False),
    Column("relocation", String(64)),
)
"""UE movements that were reported, and what was decided: `relocating` or `not_moved`, with the reason."""

INSTANCES = Table(
    "instances",
    METADATA,
    Column("cluster", String(63), primary_key=True),
    Column("application", String(63), primary_key=True),
    Column("instance", String(128), primary_key=True),
    Column("lease", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("body", JSON(none_as_null=True), nullable=True),
    Index("instances_of_application", "application"),
)
"""What cluster drivers keep here whose clusters cannot keep it: of each instance the highest fence seen, and what the driver
wants to remember; `body` is null of one that there is not (any more)."""

EXCLUSIONS = Table(
    "exclusions",
    METADATA,
    Column("name", String(512), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Float, nullable=False),
)
"""What only one process may do at a time. `until` is epoch seconds of the database's clock."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("caller", String(128), nullable=False),
    Column("shown", String(16), nullable=False),
    Column("project", String(128)),
    Column("method", String(16), nullable=False),
    Column("target", String(1024), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("about", String(1024), nullable=False),
    Index("audit_of_project", "project", "id"),
    Index("audit_of_caller", "caller", "id"),
)
"""Who asked for what change, and what he was answered. Rows are added, and never changed or deleted: the database refuses it."""

for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(AUDIT, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]  # SQLAlchemy gives no types
