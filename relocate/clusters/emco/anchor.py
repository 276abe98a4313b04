# SPDX-License-Identifier: Apache-2.0
"""What is remembered of an instance, since EMCO keeps neither our names nor fences."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from relocate.clusters.emco.placement import Place
from relocate.clusters.fencing import admit
from relocate.emco.names import EmcoWorkload
from relocate.errors import ClusterUnavailable
from relocate.model.values import Payload
from relocate.store.database import Database
from relocate.store.instances import Key
from steering.model import Fence

TURN_SECONDS = 60.0
"""How long a turn lasts unless its holder says that it goes on; longer than any single request."""
WAIT_SECONDS = 10.0
"""How long a turn is waited for."""
LOOK_SECONDS = 0.1


class Stage(StrEnum):
    """How far an instance has come."""

    DEPLOYING = "deploying"
    """Its intents are being edited; whether an update followed is not sure."""
    PLACED = "placed"
    REMOVING = "removing"


class Edit(Payload):
    """An app intent that was edited for an instance."""

    path: str
    before: dict[str, Any]
    written: dict[str, Any]


class Anchor(Payload):
    """One instance: an application's apps on one of EMCO's clusters."""

    workload: EmcoWorkload
    place: Place
    """Where EMCO has it."""
    apps: tuple[str, ...]
    """Those of the group that are meant."""
    ports: tuple[str, ...]
    stage: Stage
    edits: tuple[Edit, ...] = ()
    """The intents as they were before it, and as they were left."""
    revision: int = 0
    """Of the group, from which on it is there."""
    since: int = 0
    """Of the group, when it was not there yet."""


class Anchors:
    """The anchors of one cluster. A step that was overtaken raises StaleFence and keeps nothing."""

    def __init__(self, database: Database, cluster: str) -> None:
        """Args: database: the service's; cluster: whose instances."""
        self._database = database
        self._cluster = cluster

    async def admit(self, application: str, instance: str, fence: Fence) -> None:
        """Let an order in. Raises StaleFence."""
        key = self._key(application, instance)
        admit(instance, await asyncio.to_thread(self._database.instances.admit, key, fence), fence)

    async def get(self, application: str, instance: str) -> Anchor | None:
        """What is remembered; None of one that there is not."""
        body = await asyncio.to_thread(self._database.instances.body, self._key(application, instance))
        return None if body is None else Anchor.model_validate(body)

    async def keep(self, application: str, instance: str, fence: Fence, anchor: Anchor | None) -> None:
        """Remember it, or forget it. Raises StaleFence."""
        body = None if anchor is None else anchor.model_dump(mode="json")
        key = self._key(application, instance)
        admit(instance, await asyncio.to_thread(self._database.instances.keep, key, fence, body), fence)

    async def of(self, application: str) -> Mapping[Key, Anchor]:
        """Every instance of an application, on whatever cluster of EMCO's."""
        found = await asyncio.to_thread(self._database.instances.of, application)
        return {key: Anchor.model_validate(body) for key, body in found.items()}

    async def here(self, application: str) -> Sequence[str]:
        """Names of its instances on this cluster."""
        return [key.instance for key in await self.of(application) if key.cluster == self._cluster]

    async def besides(self, application: str, instance: str) -> Sequence[Anchor]:
        """Those of its instances that stay when this one goes."""
        found = await self.of(application)
        own = self._key(application, instance)
        return [anchor for key, anchor in found.items() if key != own and anchor.stage is Stage.PLACED]

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """An exclusive turn; what it gives is called before each step, and sees that the turn has not been lost.

        Args:
            name: of what must not be changed meanwhile.

        Raises:
            ClusterUnavailable: somebody else has it, or it was lost.
        """
        holder, exclusions = secrets.token_hex(16), self._database.exclusions

        async def go_on() -> None:
            if not await asyncio.to_thread(exclusions.take, name, holder, TURN_SECONDS):
                raise ClusterUnavailable(f"{self._cluster}: another order for EMCO's group took over")

        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not await asyncio.to_thread(exclusions.take, name, holder, TURN_SECONDS):  # noqa: ASYNC110 - a database's
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError as error:
            raise ClusterUnavailable(f"{self._cluster}: another order for EMCO's group is under way") from error
        try:
            yield go_on
        finally:
            await asyncio.shield(asyncio.to_thread(exclusions.give_back, name, holder))

    def _key(self, application: str, instance: str) -> Key:
        return Key(self._cluster, application, instance)
