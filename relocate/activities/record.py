# SPDX-License-Identifier: Apache-2.0
"""Keeping what the workflow knows."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import log_told
from relocate.activities.failures import translated
from relocate.activities.orders import Order, RecordOrder
from relocate.errors import EvidenceNotStored
from relocate.metrics.worker import EVIDENCE
from relocate.model.evidence import Claim
from relocate.store.database import Database
from relocate.store.evidence import Attempt


class Record:
    """The local activity of the journal, for what cannot wait for the next order."""

    def __init__(self, database: Database) -> None:
        """Args: database: the service's."""
        self._database = database

    @activity.defn(name=calls.RECORD.name)
    @translated
    async def record(self, order: RecordOrder) -> None:
        """Keep what was told. Doing it again adds nothing."""
        log_told(await asyncio.to_thread(self._database.relocations.keep, order.told))


async def keep_claims(database: Database, order: Order, claims: Sequence[Claim]) -> None:
    """Chain claims to the relocation's record.

    Raises:
        EvidenceNotStored: the database did not take them; nothing irreversible may follow.
        StaleFence: this attempt was given up, and its place has been taken.
    """
    attempt = Attempt(order.application.name, order.fence, activity.info().attempt)
    try:
        await asyncio.to_thread(database.evidence.append, order.relocation, claims, attempt)
    except SQLAlchemyError as error:
        EVIDENCE.labels("claims", "failed").inc()
        raise EvidenceNotStored(f"evidence could not be stored: {error}") from error
    EVIDENCE.labels("claims", "stored").inc()
