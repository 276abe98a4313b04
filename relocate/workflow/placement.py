# SPDX-License-Identifier: Apache-2.0
"""The runbook of a first placement: deploy, prove ready, open the routes; nobody is served before."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from readiness.model import ProbeSpec, Via
    from relocate.activities import calls, orders
    from relocate.model.relocation import Phase
    from relocate.phases import documents
    from relocate.workflow.journal import Silence
    from relocate.workflow.move import Move
    from relocate.workflow.reasons import sentence_of


@workflow.defn(name="Place")
class Place:
    """Makes the first instance of an application, on the cluster that the request names as target."""

    @workflow.run
    async def run(self, start: orders.Start) -> orders.Ended:
        """Deploy, prove ready, open; a failure removes what was made."""
        move = Move(start, Silence())
        cluster = start.request.target or ""
        where = move.new_instance(cluster)
        try:
            await self._forward(move, where)
        except (Exception, asyncio.CancelledError) as error:
            await asyncio.shield(move.remove(Phase.DEPLOY, where))
            raise failed(f"{start.application.name} could not be placed on {cluster}: {sentence_of(error)}") from error
        return orders.Ended(outcome="completed", sentence=f"{start.application.name} serves from {cluster}.")

    async def _forward(self, move: Move, where: dict[str, str]) -> None:
        await move.deploy(**where)
        gate = move.gate.model_copy(update={"probes": tuple(_directly(probe) for probe in move.gate.probes)})
        gated = await move.do(calls.GATE, Phase.READY, side=move.to, gate=gate, token=None, directly=True)
        await let_serve(move, gated)


async def let_serve(move: Move, gated: orders.Gated) -> None:
    """A first instance that is proven ready takes every request, and is on record as the one that serves."""
    if not gated.ready:
        raise ApplicationError(gated.sentence, type="TargetFailed")
    await move.steer(Phase.SWITCH, documents.only(move.to))
    await move.do(calls.ACTIVATE, Phase.SWITCH, active=move.to.name)


def failed(sentence: str) -> ApplicationError:
    """The end that whoever asked is told."""
    return ApplicationError(sentence, type="TargetFailed", non_retryable=True)


def _directly(probe: "ProbeSpec") -> "ProbeSpec":
    """There is no gateway to ask through before there is a route."""
    return probe.model_copy(update={"via": Via.DIRECT})
