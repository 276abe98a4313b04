# SPDX-License-Identifier: Apache-2.0
"""Relocations that are a part of another workflow: what is meant, and the acceptance."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import activity

from relocate.activities import calls
from relocate.activities.calls import Queue
from relocate.activities.failures import translated
from relocate.activities.orders import AcceptOrder, Begun, Found, Start
from relocate.emco.names import Wanted
from relocate.errors import RelocateError
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.parts import Parts
from relocate.store.acceptance import Asked
from relocate.tracing import trace_id


class Accepting:
    """The way in for other workflows, as `relocate.dispatch` is for requests."""

    def __init__(self, parts: Parts, searchable: Callable[[], Awaitable[bool]]) -> None:
        """Args: parts: what this worker works with; searchable: whether Temporal has our search attributes."""
        self._parts = parts
        self._searchable = searchable

    @activity.defn(name=calls.FIND.name)
    @translated
    async def find(self, wanted: Wanted) -> Found:
        """What EMCO's names mean here.

        Raises:
            NotFound, InvalidRequest: nothing; see `Wanted`.
        """
        catalogue = self._parts.database.catalogue
        applications = wanted.applications(await asyncio.to_thread(catalogue.list, Application))
        target = wanted.target(await asyncio.to_thread(catalogue.list, Cluster))
        return Found(applications=tuple(applications), target=target)

    @activity.defn(name=calls.ACCEPT.name)
    @translated
    async def accept(self, order: AcceptOrder) -> Begun:
        """Take the application's lease, and keep the request. The same order again is the same relocation.

        Raises:
            AlreadyRelocating: another one runs; this one's turn comes after it.
            NotFound, InvalidRequest: it does not fit what is configured and placed.
        """
        asked = Asked(order.relocation, order.request, order.relocation, order.actor, trace_id(), order.parent)
        database = self._parts.database
        (accepted,) = await asyncio.to_thread(database.acceptance.accept_fitting, [asked])
        if isinstance(accepted, RelocateError):
            raise accepted
        application = accepted.application
        if application is None:
            application = await asyncio.to_thread(database.catalogue.get, Application, order.request.application)
        start = Start(
            relocation=order.relocation,
            lease=accepted.lease,
            request=order.request,
            application=application,
            created_at=accepted.view.created_at,
            searchable=await self._searchable(),
            followed=True,
        )
        return Begun(start=start, task_queue=f"{self._parts.settings.task_queue}-{Queue.CHANGE}")
