# SPDX-License-Identifier: Apache-2.0
"""Workflows as somebody else writes them: what `relocate new-workflow` begins, without its own activity."""

from collections.abc import Mapping
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from relocate.activities.orders import Ended, Start
    from relocate.workflow.invoked import Invoked
    from relocate.workflow.relocation import Relocation

TASK_QUEUE = "own"


@workflow.defn(name="Own")
class Own(Relocation):
    """Without a transfer, and to the best target alone."""

    @workflow.run
    async def run(self, start: Start) -> Ended:  # noqa: ARG002 - taken by __init__
        """Forward, and if need be back."""
        return await self.carry_out()

    async def forward(self) -> Ended:
        """The way forward."""
        decision = await self.runbook.select()
        await self.runbook.first_that_is_ready(decision.ranked[:1])
        await self.runbook.comparison.wait_for_baseline()
        await self.runbook.switch()
        await self.runbook.bake()
        await self.runbook.drain()
        return await self.runbook.teardown()


@workflow.defn(name="OwnInvoked")
class OwnInvoked(Invoked):
    """What a workflow client starts."""

    who = "own"
    child = Own
    service = "cache-1000"

    @workflow.run
    async def run(self, given: Any = None) -> Mapping[str, str]:
        """Args: given: as EMCO's workflow client has it."""
        params = self.parameters(given, lambda _: None)
        ended = await self.relocate(params["application"], params["target"])
        return {"outcome": ended.outcome, "sides": ended.sentence}
