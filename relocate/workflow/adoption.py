# SPDX-License-Identifier: Apache-2.0
"""The runbooks of an adoption and of its way back: who is served notices neither."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from relocate.activities import calls, orders
    from relocate.model.relocation import Phase
    from relocate.phases import documents
    from relocate.workflow.journal import Silence
    from relocate.workflow.move import Move
    from relocate.workflow.placement import failed, let_serve
    from relocate.workflow.reasons import sentence_of

RUNS_WITHIN_SECONDS = 10.0
"""What is to be adopted or given back runs: this is for a watch that is opened."""
PROBE_LIFE = timedelta(hours=1)


@workflow.defn(name="Adopt")
class Adopt:
    """Takes over what runs on the cluster that the request names as target, and the routes that lead to it."""

    @workflow.run
    async def run(self, start: orders.Start) -> orders.Ended:
        """Mark, claim, prove by the probe path, take the requests; a failure gives everything back."""
        move = Move(start, Silence())
        cluster = start.request.target or ""
        where = move.new_instance(cluster)
        try:
            await self._forward(move, where)
        except (Exception, asyncio.CancelledError) as error:
            sentence = f"{start.application.name} could not be adopted: {sentence_of(error)}"
            try:
                await asyncio.shield(give_back(move, where))
            except Exception as failure:
                sentence += f"; giving it back failed: {sentence_of(failure)}; release it once that is mended"
                raise failed(sentence) from failure
            raise failed(sentence) from error
        return orders.Ended(outcome="completed", sentence=f"{start.application.name} on {cluster} was adopted.")

    async def _forward(self, move: Move, where: dict[str, str]) -> None:
        move.target = (await move.do(calls.ADOPT, Phase.PREPARE, **where)).serving or await running(move, where)
        token, expiry = workflow.uuid4().hex, workflow.now() + PROBE_LIFE
        waived = move.policy.waived_instances
        await move.do(
            calls.CLAIM, Phase.PREPARE, side=move.to, token=token, expiry=expiry, waived_instances=waived, back=False
        )
        gated = await move.do(
            calls.GATE, Phase.READY, side=move.to, gate=move.gate, token=token, waived_instances=waived
        )
        await let_serve(move, gated)


@workflow.defn(name="Release")
class Release:
    """Gives back what was adopted, on the cluster that the request names as source."""

    @workflow.run
    async def run(self, start: orders.ReleaseStart) -> orders.Ended:
        """Claim, see that users are served by what was there before, leave; as long as they are not, it stays ours."""
        move = Move(start, Silence())
        name, where = start.application.name, {"cluster": start.request.source or "", "instance": start.instance}
        with suppress(ActivityError):  # of what does not run nobody knows where else to send users
            move.target = await running(move, where)
        try:
            await claim_back(move)
        except (Exception, asyncio.CancelledError) as error:
            if move.target is not None:
                await asyncio.shield(move.steer(Phase.SWITCH, documents.only(move.to)))
            raise failed(f"{name} could not be released, and is ours as before: {sentence_of(error)}") from error
        try:
            await move.do(calls.FREE, Phase.PREPARE, **where)
        except ActivityError as error:
            served = f"{name} is served by what was there before, but something of ours is left"
            raise failed(f"{served}: {sentence_of(error)}; release it again") from error
        return orders.Ended(outcome="completed", sentence=f"{name} was released.")


async def running(move: Move, where: dict[str, str]) -> orders.Serving:
    """The instance, which has to run."""
    return await move.do(calls.AWAIT_RUNNING, Phase.PREPARE, **where, seconds=RUNS_WITHIN_SECONDS)


async def give_back(move: Move, where: dict[str, str]) -> None:
    """What was there before takes the requests, and nothing of ours is left."""
    await claim_back(move, failed=True)
    await move.do(calls.FREE, Phase.PREPARE, **where)


async def claim_back(move: Move, *, failed: bool = False) -> None:
    """What was there before takes the requests, and users are served; of a `failed` adoption also where nothing was."""
    waived = move.policy.waived_instances
    await move.do(calls.CLAIM, Phase.PREPARE, waived_instances=waived, back=True, failed=failed)
