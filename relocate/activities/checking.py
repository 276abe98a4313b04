# SPDX-License-Identifier: Apache-2.0
"""The last look before the source is removed: everything is asked once more, now."""

import asyncio
import time
from collections.abc import Sequence

from temporalio import activity

from readiness import checks
from relocate.activities import calls, proving
from relocate.activities.asking import ask
from relocate.activities.beginning import looking
from relocate.activities.checking_claims import Findings, claims, watched_claim
from relocate.activities.counting import Purpose
from relocate.activities.failures import translated
from relocate.activities.orders import CheckOrder, Verdict
from relocate.activities.readying import quick
from relocate.activities.record import keep_claims
from relocate.activities.steering_claims import without_tokens
from relocate.activities.watching import seconds_between, told_so_far
from relocate.activities.ways import Stretch, stretches, ways_to
from relocate.errors import EvidenceNotStored
from relocate.evidence.rows import Seen
from relocate.evidence.samples import AskedGate, RouteAsked, RouteLook, Told
from relocate.model.evidence import Claim
from relocate.parts import Parts
from relocate.phases import proof
from relocate.phases.teardown import why_not_teardown


class Checking:
    """The activity before the point of no return."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.CHECK.name)
    @translated
    async def check(self, order: CheckOrder) -> Verdict:
        """Why the source must not be removed, or nothing. Everything is asked at the same time, and no answer waits."""
        database = self._parts.database
        async with looking(database, order):
            since, now = min(order.watched_since, order.since), time.time()
            found = await stretches(self._parts, order.application)
            routes, health, seen, failures = await asyncio.gather(
                asyncio.gather(*(self._route(order, stretch) for stretch in found)),
                self._health(order),
                seconds_between(database, order.relocation, since, now),
                told_so_far(database, order.relocation),
            )
            findings = Findings(
                order=order,
                looks=[look for look, _ in routes],
                asked=[asked for _, asked in routes],
                health=health,
                since_switch=seen.after(order.since),
            )
        watched = _watched(order, findings.asked, seen.after(order.watched_since), failures)
        stored = await self._stored(order, [*watched, *claims(findings)])
        checked = findings.checked.model_copy(update={"evidence_stored": stored})
        why_not = why_not_teardown(checked, order.waivers)
        return Verdict(why_not=why_not, sentence=why_not or f"Nothing speaks against removing {order.source}.")

    async def _route(self, order: CheckOrder, stretch: Stretch) -> tuple[RouteLook, RouteAsked]:
        look = await self._look(order, stretch)
        return look, await self._ask(order, stretch, look)

    async def _look(self, order: CheckOrder, stretch: Stretch) -> RouteLook:
        look = RouteLook(
            gateway=stretch.gateway,
            route=stretch.route.name,
            expected_epoch=order.written.epochs.get(stretch.key),
            unproven=proof.is_waived(stretch.adapter.describe().rungs, unproven=order.waivers.unproven),
        )
        state = await stretch.adapter.read(stretch.route.name)
        if state is None:
            return look
        answers = await stretch.adapter.acknowledged(stretch.route.name, state.version)
        found = state.model_copy(update={"document": without_tokens(state.document)})
        return look.model_copy(update={"found": found, "answers": tuple(answers)})

    async def _ask(self, order: CheckOrder, stretch: Stretch, look: RouteLook) -> RouteAsked:
        needed = proof.alive(look.answers, order.waived_instances)
        points = await stretch.adapter.probe_points(stretch.route.name) if needed else ()
        reached = [point for point in points if point.instance in needed]
        probe = proving.asker(stretch.route)
        answers = await asyncio.gather(*(proving.ask(probe, stretch.route, point, order.probes) for point in reached))
        return RouteAsked(
            gateway=stretch.gateway,
            route=stretch.route.name,
            epoch=look.expected_epoch or "",
            weights={order.target.name: 100},
            probes=order.probes,
            needed=tuple(needed),
            answers={point.instance: tuple(given) for point, given in zip(reached, answers, strict=True)},
        )

    async def _health(self, order: CheckOrder) -> AskedGate:
        ways = await ways_to(self._parts, order.application, order.target, None, order.waived_instances)
        gate = quick(order.gate)
        return await ask(order.target.name, gate, checks.checks(gate, ways), Purpose.CHECK)

    async def _stored(self, order: CheckOrder, found: Sequence[Claim]) -> bool:
        try:
            await keep_claims(self._parts.database, order, found)
        except EvidenceNotStored as error:
            activity.logger.warning("teardown is stopped: %s", error)
            return False
        return True


def _watched(order: CheckOrder, asked: Sequence[RouteAsked], seen: Seen, failures: Told) -> Sequence[Claim]:
    """E4 from before `prepare` to now: one claim a route, with the watched intervals and the holes."""
    vantages: dict[str, list[str]] = {route.name: [] for route in order.application.routes}
    for one in asked:
        vantages[one.route] += one.answers
    return [
        watched_claim(order, route, seen.of(route.name), vantages[route.name], failures)
        for route in order.application.routes
    ]
