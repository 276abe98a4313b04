# SPDX-License-Identifier: Apache-2.0
"""The last look before the source is removed: everything is asked once more, now."""

import asyncio
import time
from collections.abc import Sequence

from temporalio import activity

from readiness import checks, rounds
from relocate.activities import calls, proving
from relocate.activities.beginning import looking
from relocate.activities.failures import translated
from relocate.activities.orders import CheckOrder, Verdict
from relocate.activities.readying import quick
from relocate.activities.record import keep_claims
from relocate.activities.watching import sample_of, seconds_between
from relocate.activities.ways import Stretch, probe_points, stretches, ways_to
from relocate.errors import EvidenceNotStored
from relocate.model.application import Route
from relocate.model.evidence import Claim
from relocate.parts import Parts
from relocate.phases import proof
from relocate.phases.teardown import Checked, join_reasons, why_not_forgotten, why_not_teardown
from relocate.prober.claim import rate_bound, sentence, summed
from relocate.prober.coverage import coverage
from relocate.prober.records import Second
from steering.model import Rung


class Checking:
    """The activity before the point of no return."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.CHECK.name)
    @translated
    async def check(self, order: CheckOrder) -> Verdict:
        """Why the source must not be removed, or nothing."""
        async with looking(self._parts.database, order):
            found = await stretches(self._parts, order.application)
            acknowledged = [await self._why_not_acknowledged(order, stretch) for stretch in found]
            seen = [await self._why_not_seen(order, stretch) for stretch in found]
            checked = Checked(
                acknowledged=join_reasons(acknowledged),
                seen=join_reasons(seen),
                target_healthy=await self._why_unhealthy(order),
                drained=order.drained,
                watched=await self._why_watched(order),
                cut=order.cut,
            )
        checked = checked.model_copy(update={"evidence_stored": await self._stored(order, checked)})
        why_not = why_not_teardown(checked, order.waivers)
        return Verdict(why_not=why_not, sentence=why_not or f"Nothing speaks against removing {order.source}.")

    async def _why_not_acknowledged(self, order: CheckOrder, stretch: Stretch) -> str | None:
        state = await stretch.adapter.read(stretch.route.name)
        where = f"route {stretch.route.name} at {stretch.gateway}"
        known = why_not_forgotten(state, order.source, order.written.epochs.get(stretch.key), where)
        if known is not None or state is None:
            return known
        answers = await stretch.adapter.acknowledged(stretch.route.name, state.version)
        return proof.why_not_acknowledged(answers, order.waived_instances)

    async def _why_not_seen(self, order: CheckOrder, stretch: Stretch) -> str | None:
        state = await stretch.adapter.read(stretch.route.name)
        version = state.version if state is not None else ""
        answers = await stretch.adapter.acknowledged(stretch.route.name, version)
        needed = set(proof.alive(answers, order.waived_instances))
        points = [p for p in await stretch.adapter.probe_points(stretch.route.name) if p.instance in needed]
        if not points:
            return f"no instance of {stretch.gateway} could be asked"
        epoch, weights = order.written.epochs.get(stretch.key, ""), {order.target.name: 100}
        probe = proving.asker(stretch.route)
        asked = await asyncio.gather(*(proving.ask(probe, stretch.route, point, order.probes) for point in points))
        return join_reasons([proof.why_not_seen(answers, epoch, weights) for answers in asked])

    async def _why_unhealthy(self, order: CheckOrder) -> str | None:
        ways = await ways_to(self._parts, order.application, order.target, None, order.waived_instances)
        gate = quick(order.gate)
        result = await rounds.watch(gate, checks.checks(gate, ways))
        return None if result.ready else result.sentence

    async def _why_watched(self, order: CheckOrder) -> str | None:
        seconds = await seconds_between(self._parts.database, order.relocation, order.since, time.time())
        sample = sample_of(seconds, order.target.name, order.since)
        if sample.requests and sample.error_rate > order.max_error_rate:
            return f"the prober saw {sample.errors} of {sample.requests} requests fail since the switch"
        return None

    async def _stored(self, order: CheckOrder, checked: Checked) -> bool:
        try:
            watched = await self._watched(order)
            await keep_claims(self._parts.database, order, [*watched, *_claims(order, checked)])
        except EvidenceNotStored as error:
            activity.logger.warning("teardown is stopped: %s", error)
            return False
        return True

    async def _watched(self, order: CheckOrder) -> Sequence[Claim]:
        """E4 from before `prepare` to now: one claim a route, with the watched intervals and the holes."""
        now, database = time.time(), self._parts.database
        vantages: dict[str, list[str]] = {route.name: [] for route in order.application.routes}
        for stretch in await stretches(self._parts, order.application):
            points = await probe_points(stretch, order.waived_instances)
            vantages[stretch.route.name] += [point.instance for point in points]
        return [
            _watched_claim(
                order,
                route,
                await seconds_between(database, order.relocation, order.watched_since, now, route=route.name),
                vantages[route.name],
                now,
            )
            for route in order.application.routes
        ]


def _watched_claim(
    order: CheckOrder, route: Route, rows: Sequence[Second], vantages: Sequence[str], now: float
) -> Claim:
    period = route.watch.period_seconds
    # A second is on record a moment after it has ended: the one before this is not due yet.
    watched = coverage(rows, vantages=vantages, period=period, since=order.watched_since, until=now - 1.5)
    seen = summed(rows)
    return Claim(
        rung=Rung.WATCHED,
        phase=order.phase,
        sentence=f"route {route.name} was {sentence(seen, watched, period)}",
        basis="sampled",
        period_seconds=period,
        bound=rate_bound(seen.finished, seen.errors) if seen.finished else None,
        holds=watched.conclusive and seen.errors == 0,
        detail=watched.model_dump(mode="json"),
    )


def _claims(order: CheckOrder, checked: Checked) -> Sequence[Claim]:
    findings = {
        Rung.ACKNOWLEDGED: checked.acknowledged,
        Rung.PROBED: join_reasons([checked.seen, checked.target_healthy]),
        Rung.WATCHED: checked.watched,
        Rung.DRAINED: checked.drained,
    }
    return [
        Claim(
            rung=rung,
            phase=order.phase,
            side=order.source if rung is Rung.DRAINED else order.target.name,
            sentence=f"checked once more: {found or 'nothing speaks against it'}",
            holds=found is None,
            detail={"cut": order.cut} if rung is Rung.DRAINED else {},
        )
        for rung, found in findings.items()
    ]
