# SPDX-License-Identifier: Apache-2.0
"""Bringing a database to the schema of this version. One set of migrations covers the orchestrator's and the routes' tables."""

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from steering.store.engine import engine as make_engine, writing
from steering.store.turns import take_turns

SCHEMA = "schema"
"""The turn of whoever changes it."""
LONGEST_SECONDS = 600.0
"""For one statement of a migration, and for whoever waits until another process has made it."""

_log = structlog.get_logger(__name__)


def prepare(url: str) -> None:
    """Create or upgrade the schema; an up-to-date one is left as it is. Several processes may do it at once.

    So is a newer one: migrations only add (expand) what the version before them does not need to know, and take away (contract)
    what it no longer uses. So a process of the version before may start during an upgrade, and after it was taken back.
    """
    engine = make_engine(url, timeout_seconds=LONGEST_SECONDS)
    try:
        with writing(engine) as connection:
            take_turns(connection, [SCHEMA])
            found = configuration(connection)
            newer = unknown(found, connection)
            if newer:
                _log.warning("the database is newer than this version, and is left as it is", revisions=sorted(newer))
            else:
                command.upgrade(found, "head")
    finally:
        engine.dispose()


def unknown(config: Config, connection: Connection) -> frozenset[str]:
    """What the database has been brought to by a later version than this one; nothing where that is known here."""
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return frozenset(MigrationContext.configure(connection).get_current_heads()) - known


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
