# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: runs the migrations on the connection that `relocate.store.migrate` opened."""

from alembic import context

from relocate.store.tables import METADATA
from steering.store.tables import METADATA as STEERING

context.configure(connection=context.config.attributes["connection"], target_metadata=[METADATA, STEERING])
with context.begin_transaction():
    context.run_migrations()
