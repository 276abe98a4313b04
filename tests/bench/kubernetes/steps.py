# SPDX-License-Identifier: Apache-2.0
"""Single steps of a relocation: the product's own activities, run here one by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from temporalio.testing import ActivityEnvironment

from readiness.model import Via
from relocate.activities.instances import Instances
from relocate.activities.orders import (
    GateOrder,
    InstanceOrder,
    RemoveOrder,
    RunningOrder,
    Serving,
    Steered,
    SteerOrder,
    Written,
)
from relocate.activities.readying import Readying
from relocate.activities.steering import Steering
from relocate.model.application import Application
from relocate.model.relocation import Phase
from relocate.phases.documents import Sides
from relocate.settings import Settings
from relocate.store.database import Database
from steering.model import Backend, Fence
from tests.bench.kubernetes.placed import unplace
from tests.bench.kubernetes.stage import Stage
from tests.workflow.service import StoryParts

HOLDER = "bench"
LONG_SECONDS = 60.0


class Steps:
    """Of one application, under a lease of its own."""

    def __init__(self, parts: StoryParts, application: Application, lease: int) -> None:
        """Args: parts: the service's; application: what is moved; lease: under which."""
        self.parts, self._application, self._lease = parts, application, lease
        self._instances, self._readying, self._steering = Instances(parts), Readying(parts), Steering(parts)
        self._sequence = count(1)
        self._written = Written()

    async def deploy(self, cluster: str, instance: str) -> Serving:
        """Ask for an instance, and wait until it runs."""
        order = self._order(InstanceOrder, Phase.DEPLOY, cluster=cluster, instance=instance)
        deployed = await ActivityEnvironment().run(self._instances.deploy, order)
        if deployed.serving is not None:
            return deployed.serving
        waiting = RunningOrder(**dict(order), seconds=LONG_SECONDS)
        return await ActivityEnvironment().run(self._instances.await_running, waiting)

    async def passes(self, side: Backend) -> None:
        """Wait until the gate has seen it answer at its own address, once.

        Raises:
            RuntimeError: it did not in time.
        """
        gate = self._application.readiness
        probes = tuple(probe.model_copy(update={"via": Via.DIRECT}) for probe in gate.probes)
        gate = gate.model_copy(update={"stable_seconds": 0.0, "probes": probes})
        order = self._order(GateOrder, Phase.READY, side=side, gate=gate, token=None, directly=True)
        gated = await ActivityEnvironment().run(self._readying.gate, order)
        if not gated.ready:
            raise RuntimeError(gated.sentence)

    async def steer(self, sides: Sides) -> Steered:
        """Write these sides, and prove that they are live at every replica."""
        order = self._order(SteerOrder, Phase.SWITCH, sides=sides, written=self._written)
        steered = await ActivityEnvironment().run(self._steering.steer, order)
        self._written = steered.written
        return steered

    async def remove(self, cluster: str, instance: str) -> None:
        """Remove an instance, and wait until it is gone."""
        order = self._order(RemoveOrder, Phase.TEARDOWN, cluster=cluster, instance=instance)
        await ActivityEnvironment().run(self._instances.remove, order)

    def _order(self, kind: type[Any], phase: Phase, **says: Any) -> Any:
        fence = Fence(lease=self._lease, sequence=next(self._sequence))
        return kind(relocation=HOLDER, application=self._application, phase=phase, fence=fence, **says)


@asynccontextmanager
async def steps(stage: Stage, application: Application) -> AsyncIterator[Steps]:
    """For as long as the block runs; nothing of the application runs afterwards."""
    await stage.system.describe(application)
    url = stage.system.database_url
    parts = StoryParts(Settings(database_url=url), Database.open(url))
    leases = parts.database.leases
    try:
        yield Steps(parts, application, await asyncio.to_thread(leases.take, application.name, HOLDER))
    finally:
        await unplace(parts, application.name)
        await asyncio.to_thread(leases.give_back, application.name, HOLDER)
        await parts.close()
