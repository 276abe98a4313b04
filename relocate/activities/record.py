# SPDX-License-Identifier: Apache-2.0
"""Keeping what the workflow knows."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from relocate.activities import calls
from relocate.activities.failures import translated
from relocate.activities.orders import Order, RecordOrder
from relocate.errors import EvidenceNotStored
from relocate.model.evidence import Claim
from relocate.store.database import Database


class Record:
    """The local activity behind the journal."""

    def __init__(self, database: Database) -> None:
        """Args: database: the service's."""
        self._database = database

    @activity.defn(name=calls.RECORD.name)
    @translated
    async def record(self, order: RecordOrder) -> None:
        """Keep the view, claims and the decision. Doing it again adds nothing but repeated claims."""
        await asyncio.to_thread(self._keep, order)

    def _keep(self, order: RecordOrder) -> None:
        if order.decision is not None:
            self._database.relocations.tell(order.view.id, "decision", order.decision.model_dump(mode="json"))
        if order.claims:
            self._database.evidence.append(order.view.id, order.claims)
        self._database.relocations.change(order.view.id, lambda _: order.view)


async def keep_claims(database: Database, order: Order, claims: Sequence[Claim]) -> None:
    """Chain claims to the relocation's record.

    Raises:
        EvidenceNotStored: the database did not take them; nothing irreversible may follow.
    """
    try:
        await asyncio.to_thread(database.evidence.append, order.relocation, claims)
    except SQLAlchemyError as error:
        raise EvidenceNotStored(f"evidence could not be stored: {error}") from error
