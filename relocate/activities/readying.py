# SPDX-License-Identifier: Apache-2.0
"""Is a side ready: the gate before the switch, and one quick look before anything relies on a side again."""

from collections.abc import Sequence

from temporalio import activity

from readiness import checks
from readiness.checks import Way
from readiness.model import GateSpec
from readiness.rounds import AT_ANY_TIME, Turn
from relocate.activities import calls
from relocate.activities.asking import ask
from relocate.activities.beginning import looking
from relocate.activities.counting import Purpose
from relocate.activities.failures import translated
from relocate.activities.orders import Gated, GateOrder, HealthOrder
from relocate.activities.record import keep_claims
from relocate.activities.ways import direct, ways_to
from relocate.evidence.samples import Capacity
from relocate.model.evidence import Claim
from relocate.parts import Parts
from steering.model import Rung

LOOKS = 3
"""A quick look asks everything this often in a row, at most: once where the gate opens at its first good round."""
LOOK_PERIOD_SECONDS = 1.0
"""From one look to the next at most, however long the gate's own period is."""
LOOK_SECONDS = 8.0
"""A quick look ends after this time; a side that cannot prove its health in it is not healthy *now*. Four seconds were too few for a
side that was well, when twenty relocations filled two processors."""


class Readying:
    """Activities of the phase `ready` and of every "is it healthy now?"."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.GATE.name)
    @translated
    async def gate(self, order: GateOrder) -> Gated:
        """Wait until the gate opens, or can no longer open."""
        async with looking(self._parts.database, order):
            short = why_too_small(order)
            if short is not None:
                await keep_claims(self._parts.database, order, [_too_small(order, short)])
                return Gated(ready=False, sentence=short)
            ways = direct(order.side) if order.directly else await self._ways(order)
            return await self._asked(order, order.gate, ways, Purpose.READY, self._parts.gate_turn)

    @activity.defn(name=calls.HEALTH.name)
    @translated
    async def health(self, order: HealthOrder) -> Gated:
        """Ask every check a few times running, now."""
        async with looking(self._parts.database, order):
            return await self._asked(order, quick(order.gate), await self._ways(order), Purpose.HEALTH)

    async def _ways(self, order: GateOrder | HealthOrder) -> Sequence[Way]:
        return await ways_to(self._parts, order.application, order.side, order.token, order.waived_instances)

    async def _asked(
        self,
        order: GateOrder | HealthOrder,
        gate: GateSpec,
        ways: Sequence[Way],
        purpose: Purpose,
        turn: Turn = AT_ANY_TIME,
    ) -> Gated:
        side = order.side
        asked = await ask(side.name, gate, checks.checks(gate, ways), purpose, turn=turn)
        claim = Claim(
            rung=Rung.PROBED,
            phase=order.phase,
            sentence=f"{side.name}: {asked.sentence}",
            side=side.name,
            basis="sampled",
            period_seconds=gate.period_seconds,
            holds=asked.ready,
            detail=asked.detail(),
        )
        await keep_claims(self._parts.database, order, [claim])
        return Gated(ready=asked.ready, sentence=claim.sentence)


def quick(gate: GateSpec) -> GateSpec:
    """The same checks, a few times in a row, without waiting for better times; never stricter than the gate itself."""
    period = min(gate.period_seconds, LOOK_PERIOD_SECONDS)
    stable = min((LOOKS - 1) * period, gate.stable_seconds)
    return gate.model_copy(
        update={
            "delay_seconds": 0.0,
            "period_seconds": period,
            "stable_seconds": stable,
            "deadline_seconds": max(LOOK_SECONDS, stable + gate.timeout_seconds),
        }
    )


def why_too_small(order: GateOrder) -> str | None:
    """Whether the side is known to serve less than is served now, in words; unknown capacities compare as equal."""
    if order.at_least is None or order.capacity is None or order.capacity >= order.at_least:
        return None
    return f"{order.side.name} can serve {order.capacity:g}, the source serves {order.at_least:g}"


def _too_small(order: GateOrder, why: str) -> Claim:
    samples = Capacity(side=order.side.name, capacity=order.capacity, at_least=order.at_least)
    return Claim(
        rung="note", phase=order.phase, side=order.side.name, sentence=why, holds=False, detail=samples.detail()
    )
