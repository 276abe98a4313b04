# SPDX-License-Identifier: Apache-2.0
"""Waiting until the gateways count nobody on a side any more."""

import asyncio
import time
from collections.abc import Callable, Sequence

from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import looking
from relocate.activities.counts import PERIOD_SECONDS, Counts
from relocate.activities.failures import translated
from relocate.activities.orders import Drained, DrainOrder
from relocate.activities.pauses import pauses
from relocate.activities.record import keep_claims
from relocate.activities.standing import check_all_unchanged
from relocate.activities.ways import Stretch, counted_instances, stretches
from relocate.metrics.worker import DRAIN_SECONDS, in_flight
from relocate.model.evidence import Claim
from relocate.parts import Parts
from relocate.phases.draining import DrainState, count, counted, is_drained
from steering.errors import Unavailable
from steering.model import InstanceUsage, Rung


class Draining:
    """The activity of the phase `drain`."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.DRAIN.name)
    @translated
    async def drain(self, order: DrainOrder) -> Drained:
        """Count until nobody is left for a window, or until the deadline unless the policy is to wait.

        Raises:
            Conflict: somebody else has changed what leads users away from the side.
        """
        counts = Counts(order.drain.window_seconds)
        began = time.monotonic()
        async with looking(self._parts.database, order):
            with in_flight() as show:
                state, drained = await self._count(order, counts, show)
        DRAIN_SECONDS.labels("drained" if drained else "given_up").observe(time.monotonic() - began)
        sentence = f"{order.side}: {state.sentence}"
        claim = Claim(
            rung=Rung.DRAINED,
            phase=order.phase,
            side=order.side,
            basis="counted",
            sentence=sentence,
            holds=drained,
            detail=counts.samples(order, state).detail(),
        )
        await keep_claims(self._parts.database, order, [claim])
        return Drained(drained=drained, left=state.left, sentence=sentence)

    async def _count(
        self, order: DrainOrder, counts: Counts, show: Callable[[int | None], None]
    ) -> tuple[DrainState, bool]:
        state, start, shown = DrainState(), time.monotonic(), -1
        stood_at = start
        for pause in pauses(PERIOD_SECONDS):
            found = await stretches(self._parts, order.application)
            usage = await _usage(order, found)
            now = time.monotonic() - start
            counts.add(now, usage)
            state = count(state, usage, now)
            show(state.left)
            if state.left is not None and state.left != shown:
                shown = state.left
                await self._show(order, shown)
            if is_drained(state, now, order.drain.window_seconds):
                return state, True
            if order.drain.at_deadline != "wait" and now >= order.drain.deadline_seconds:
                break
            stood_at = await check_all_unchanged(order, found, stood_at)
            await asyncio.sleep(pause)
        return state, False

    async def _show(self, order: DrainOrder, left: int) -> None:
        relocations = self._parts.database.relocations
        data = {"side": order.side, "left": left}
        await asyncio.to_thread(relocations.tell, order.relocation, "left", data)


async def _usage(order: DrainOrder, found: Sequence[Stretch]) -> Sequence[InstanceUsage]:
    usage: dict[str, Sequence[InstanceUsage]] = {}
    for stretch in found:
        try:
            alive = await counted_instances(stretch, order.waived_instances)
            found_usage = await stretch.adapter.usage(stretch.route.name, order.side)
            usage[stretch.key] = [one for one in found_usage if one.instance in alive]
        except Unavailable as error:
            unknown = InstanceUsage(instance=stretch.gateway, in_flight=None, requests_total=None, reason=str(error))
            usage[stretch.key] = [unknown]
    return counted(usage)
