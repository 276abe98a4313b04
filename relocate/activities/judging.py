# SPDX-License-Identifier: Apache-2.0
"""Watching B against A's baseline: the prober's samples, the gateways' counters, and B's own checks."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from temporalio import activity

from readiness import checks
from readiness.checks import Check
from relocate.activities import calls
from relocate.activities.beginning import looking
from relocate.activities.failures import translated
from relocate.activities.orders import JudgeOrder
from relocate.activities.pauses import pauses
from relocate.activities.record import keep_claims
from relocate.activities.watching import sample_of, seconds_between, seen_between, strays
from relocate.activities.ways import Stretch, direct, stretches
from relocate.model.evidence import Claim
from relocate.parts import Parts
from relocate.phases.judging import (
    Judged,
    Judgement,
    Sample,
    judge,
    judge_checks,
    judge_counted,
    judge_fallback,
)
from relocate.prober.claim import rate_bound
from steering.errors import Unavailable
from steering.model import Rung

PERIOD_SECONDS = 0.25
"""Longest time between two looks."""


class JudgingActivity:
    """The activity behind the holds of `switch` and behind `bake`."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.JUDGE.name)
    @translated
    async def judge(self, order: JudgeOrder) -> Judged:
        """Bad ends it at once; good needs the whole time; too little goes on for the order's patience."""
        async with looking(self._parts.database, order):
            judged, sample = await self._watch(order)
        await keep_claims(self._parts.database, order, [_claim(order, judged, sample)])
        return judged

    async def _watch(self, order: JudgeOrder) -> tuple[Judged, Sample]:
        found = await stretches(self._parts, order.application)
        first, own = await _counted(found, order.side.name), _Own(order)
        start, pause = time.monotonic(), pauses(PERIOD_SECONDS)
        while True:
            # The prober hands over once a second: the baseline of a quick move may still be on its way.
            baseline = await seen_between(
                self._parts.database, order.relocation, order.baseline_side, order.baseline_from, order.baseline_until
            )
            counted = _since(first, await _counted(found, order.side.name))
            judged, sample = await self._look(order, baseline, counted, await own.look())
            waited = time.monotonic() - start
            if judged.judgement is Judgement.BAD:
                return judged, sample
            if waited >= order.seconds and judged.judgement is Judgement.GOOD:
                return judged, sample
            if waited >= order.seconds + order.patience_seconds:
                return judged, sample
            await asyncio.sleep(next(pause))

    async def _look(
        self, order: JudgeOrder, baseline: Sample, counted: Sample, own: Judged | None
    ) -> tuple[Judged, Sample]:
        seconds = await seconds_between(self._parts.database, order.relocation, order.since, time.time())
        sample, name = sample_of(seconds, order.side.name, order.since), order.side.name
        astray = strays(seconds, name, order.since) if order.whole else (0, 0)
        against = own or judge_fallback(*astray, name) or judge_counted(order.limits, baseline, counted, name)
        return against or judge(order.limits, baseline, sample, name), sample


class _Own:
    """B's own readiness checks, asked directly, round by round."""

    def __init__(self, order: JudgeOrder) -> None:
        self._checks: Mapping[str, Check] = {
            name: check
            for name, check in checks.checks(order.gate, direct(order.side)).items()
            if "via" not in name.split()
        }
        self._name = order.side.name
        self._failed = 0

    async def look(self) -> Judged | None:
        verdicts = await asyncio.gather(*(check.ask() for check in self._checks.values()))
        bad = next((verdict for verdict in verdicts if not verdict.ready), None)
        self._failed = self._failed + 1 if bad else 0
        return judge_checks(self._failed, bad.reason if bad else "", self._name)


async def _counted(found: Sequence[Stretch], side: str) -> Mapping[str, tuple[int, int]]:
    """Requests and errors of users on one side, by gateway instance that could be asked."""
    counted: dict[str, tuple[int, int]] = {}
    for stretch in found:
        try:
            usage = await stretch.adapter.usage(stretch.route.name, side)
        except Unavailable as error:
            activity.logger.info("%s is not counted: %s", stretch.key, error)
            continue
        for one in usage:
            if one.requests_total is not None and one.errors_total is not None:
                counted[f"{stretch.key} at {one.instance}"] = (one.requests_total, one.errors_total)
    return counted


def _since(first: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]]) -> Sample:
    """What came since `first`; an instance that was not counted then, or was restarted, counts from nothing."""
    requests = errors = 0
    for instance, (total, failed) in now.items():
        before = first.get(instance, (total, failed))
        requests += max(0, total - before[0])
        errors += max(0, failed - before[1])
    return Sample(requests=requests, errors=errors)


def _claim(order: JudgeOrder, judged: Judged, sample: Sample) -> Claim:
    period = max(route.watch.period_seconds for route in order.application.routes)
    return Claim(
        rung=Rung.WATCHED,
        phase=order.phase,
        side=order.side.name,
        basis="sampled",
        period_seconds=period,
        bound=rate_bound(sample.requests, sample.errors) if sample.requests else None,
        sentence=judged.sentence,
        holds=judged.judgement is Judgement.GOOD,
        detail={"judgement": judged.judgement, **sample.model_dump()},
    )
