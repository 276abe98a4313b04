# SPDX-License-Identifier: Apache-2.0
"""Bringing a database to the schema of this version. One set of migrations covers the orchestrator's and the routes' tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from steering.store.engine import engine as make_engine, writing


def prepare(url: str) -> None:
    """Create or upgrade the schema; an up-to-date one is left as it is. Several processes may do it at once."""
    engine = make_engine(url)
    try:
        with writing(engine) as connection:
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
