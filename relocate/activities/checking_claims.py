# SPDX-License-Identifier: Apache-2.0
"""What the record says of the last look before the source is removed, with the samples it follows from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from relocate.activities.orders import CheckOrder
from relocate.evidence import last_check
from relocate.evidence.rows import Seen
from relocate.evidence.samples import (
    AskedGate,
    CheckedAll,
    CheckedAnswers,
    CheckedRoutes,
    CheckedSeconds,
    Raw,
    RouteAsked,
    RouteLook,
    Told,
    WatchedRoute,
)
from relocate.model.application import Route
from relocate.model.evidence import Claim
from relocate.phases.teardown import Checked, join_reasons
from relocate.prober.claim import rate_bound, sentence, summed
from relocate.prober.coverage import coverage
from relocate.prober.sampling import sample_of
from steering.model import Rung

DUE_SECONDS = 1.5
"""A second is on record a moment after it has ended: the one before this is not due yet."""


@dataclass(frozen=True)
class Findings:
    """Everything that was asked, and what follows from it."""

    order: CheckOrder
    looks: Sequence[RouteLook]
    asked: Sequence[RouteAsked]
    health: AskedGate
    since_switch: Seen

    @cached_property
    def routes(self) -> CheckedRoutes:
        """E2."""
        return CheckedRoutes(source=self.order.source, looks=tuple(self.looks), waived=self.order.waived_instances)

    @cached_property
    def answers(self) -> CheckedAnswers:
        """E3."""
        return CheckedAnswers(asked=tuple(self.asked), health=self.health)

    @cached_property
    def seconds(self) -> CheckedSeconds:
        """E4."""
        target = self.order.target.name
        return CheckedSeconds(
            side=target,
            rows=self.since_switch.said,
            max_error_rate=self.order.max_error_rate,
            sample=sample_of(self.since_switch.seconds, target, self.order.since),
        )

    @cached_property
    def checked(self) -> Checked:
        """All of it together; whether it is stored remains to be seen."""
        order = self.order
        return last_check.checked(self.routes, self.answers, self.seconds, drained=order.drained, cut=order.cut)


def claims(findings: Findings) -> Sequence[Claim]:
    """One claim a rung. Being in the record, they show that they were stored."""
    order, checked = findings.order, findings.checked.model_copy(update={"evidence_stored": True})
    everything = CheckedAll(
        source=order.source, target=order.target.name, checked=checked, waivers=order.waivers, cut=order.cut
    )
    found: dict[Rung, tuple[str | None, Raw]] = {
        Rung.ACKNOWLEDGED: (checked.acknowledged, findings.routes),
        Rung.PROBED: (join_reasons([checked.seen, checked.target_healthy]), findings.answers),
        Rung.WATCHED: (checked.watched, findings.seconds),
        Rung.DRAINED: (checked.drained, everything),
    }
    return [
        Claim(
            rung=rung,
            phase=order.phase,
            side=order.source if rung is Rung.DRAINED else order.target.name,
            sentence=f"checked once more: {against or 'nothing speaks against it'}",
            holds=against is None,
            detail=samples.detail(),
        )
        for rung, (against, samples) in found.items()
    ]


def watched_claim(order: CheckOrder, route: Route, seen: Seen, vantages: Sequence[str], failures: Told) -> Claim:
    """E4 of one route from before `prepare` to the last second that is due."""
    period, until = route.watch.period_seconds, seen.until - DUE_SECONDS
    seconds = seen.seconds
    watched = coverage(seconds, vantages=vantages, period=period, since=order.watched_since, until=until)
    added = summed(seconds)
    samples = WatchedRoute(
        route=route.name,
        vantages=tuple(vantages),
        period_seconds=period,
        since=order.watched_since,
        until=until,
        rows=seen.said,
        failures=failures,
        coverage=watched.model_dump(mode="json"),
    )
    return Claim(
        rung=Rung.WATCHED,
        phase=order.phase,
        sentence=f"route {route.name} was {sentence(added, watched, period)}",
        basis="sampled",
        period_seconds=period,
        bound=rate_bound(added.finished, added.errors) if added.finished else None,
        holds=watched.conclusive and added.errors == 0,
        detail=samples.detail(),
    )
