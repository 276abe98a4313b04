# SPDX-License-Identifier: Apache-2.0
"""Watching B against A's baseline: the prober's samples, the gateways' counters, and B's own checks."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from temporalio import activity

from readiness import checks
from readiness.checks import Check
from relocate.activities import calls
from relocate.activities.beginning import looking
from relocate.activities.counting import AnswerMeter, Purpose
from relocate.activities.failures import translated
from relocate.activities.orders import Baseline, BaselineOrder, JudgeOrder
from relocate.activities.pauses import pauses
from relocate.activities.record import keep_claims
from relocate.activities.watching import seconds_between
from relocate.activities.ways import Stretch, direct, stretches
from relocate.evidence.rows import Seen
from relocate.evidence.samples import Judgements, OwnChecks
from relocate.model.evidence import Claim
from relocate.parts import Parts
from relocate.phases.judging import Judged, Judgement, Sample, judge_checks, why_no_baseline
from relocate.prober.claim import rate_bound
from relocate.prober.sampling import judge_seen, sample_of
from steering.errors import Unavailable, UnknownRoute
from steering.model import Rung

PERIOD_SECONDS = 0.25
"""Longest time between two looks."""


class JudgingActivity:
    """The activities behind the holds of `switch` and behind `bake`, and what they compare with."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.BASELINE.name)
    @translated
    async def baseline(self, order: BaselineOrder) -> Baseline:
        """Wait for what can only be seen before the switch, and not for longer than the order's patience."""
        async with looking(self._parts.database, order):
            return await self._wait(order)

    @activity.defn(name=calls.JUDGE.name)
    @translated
    async def judge(self, order: JudgeOrder) -> Judged:
        """Bad ends it at once; good needs the whole time; too little goes on for the order's patience."""
        async with looking(self._parts.database, order):
            look = await self._watch(order)
        await keep_claims(self._parts.database, order, [_claim(order, look)])
        return look.judged

    async def _wait(self, order: BaselineOrder) -> Baseline:
        slowest = max(route.watch.period_seconds for route in order.application.routes)
        patience = order.patience_seconds + order.limits.min_samples * slowest if order.patience_seconds else 0.0
        start, pause = time.monotonic(), pauses(PERIOD_SECONDS)
        while True:
            seen = await seconds_between(self._parts.database, order.relocation, order.since, time.time())
            why_not = why_no_baseline(order.limits, sample_of(seen.seconds, order.source), order.target)
            if why_not is None or time.monotonic() - start >= patience:
                return Baseline(why_not=why_not)
            await asyncio.sleep(next(pause))

    async def _watch(self, order: JudgeOrder) -> "Look":
        found = await stretches(self._parts, order.application)
        first, own = await _counted(found, order.side.name), _Own(order)
        start, pause = time.monotonic(), pauses(PERIOD_SECONDS)
        while True:
            # The prober hands over once a second: the baseline's last requests may still be on their way.
            baseline = await seconds_between(
                self._parts.database, order.relocation, order.baseline_from, order.baseline_until
            )
            counted = _since(first, await _counted(found, order.side.name))
            look = await self._look(order, baseline, counted, await own.look())
            waited, judgement = time.monotonic() - start, look.judged.judgement
            if judgement is Judgement.BAD:
                return look
            if waited >= order.seconds and judgement is Judgement.GOOD:
                return look
            if waited >= order.seconds + order.patience_seconds:
                return look
            await asyncio.sleep(next(pause))

    async def _look(self, order: JudgeOrder, baseline: Seen, counted: Sample, own: OwnChecks) -> "Look":
        seen = await seconds_between(self._parts.database, order.relocation, order.since, time.time())
        judged = judge_seen(
            order.limits,
            order.side.name,
            None if order.alone else sample_of(baseline.seconds, order.baseline_side),
            seen.seconds,
            since=order.since,
            whole=order.whole,
            counted=counted,
            own=judge_checks(own.failed_rounds, own.reason, order.side.name),
        )
        return Look(judged, baseline, seen, counted, own)


class Look(NamedTuple):
    """One look at B: what was judged, and by what."""

    judged: Judged
    baseline: Seen
    seen: Seen
    counted: Sample
    own: OwnChecks

    def samples(self, order: JudgeOrder) -> Judgements:
        """For the record."""
        return Judgements(
            side=order.side.name,
            baseline_side=order.baseline_side,
            limits=order.limits,
            baseline_rows=self.baseline.said,
            rows=self.seen.said,
            whole=order.whole,
            own=self.own,
            counted=self.counted,
            baseline=sample_of(self.baseline.seconds, order.baseline_side),
            sample=sample_of(self.seen.seconds, order.side.name, order.since),
            alone=order.alone,
            judgement=self.judged.judgement,
        )


class _Own:
    """B's own readiness checks, asked directly, round by round."""

    def __init__(self, order: JudgeOrder) -> None:
        self._checks: Mapping[str, Check] = {
            name: check
            for name, check in checks.checks(order.gate, direct(order.side)).items()
            if "via" not in name.split()
        }
        self._failed = 0
        self._meter = AnswerMeter(Purpose.JUDGE, order.gate, self._checks)

    async def look(self) -> OwnChecks:
        verdicts = await asyncio.gather(*(check.ask() for check in self._checks.values()))
        self._meter.count(dict(zip(self._checks, verdicts, strict=True)))
        bad = next((verdict for verdict in verdicts if not verdict.ready), None)
        self._failed = self._failed + 1 if bad else 0
        return OwnChecks(failed_rounds=self._failed, reason=bad.reason if bad else "")


async def _counted(found: Sequence[Stretch], side: str) -> Mapping[str, tuple[int, int]]:
    """Requests and errors of users on one side, by gateway instance that could be asked."""
    counted: dict[str, tuple[int, int]] = {}
    for stretch in found:
        try:
            usage = await stretch.adapter.usage(stretch.route.name, side)
        except (Unavailable, UnknownRoute) as error:
            activity.logger.info("%s is not counted: %s", stretch.key, error)
            continue
        for one in usage:
            if one.requests_total is not None and one.errors_total is not None:
                counted[f"{stretch.key} at {one.instance}"] = (one.requests_total, one.errors_total)
    return counted


def _since(first: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]]) -> Sample:
    """What came since `first`; an instance that was not counted then, or was restarted, counts from nothing.

    Errors are an upper bound (a broken attempt and the answer after it both count), so there are as many requests at least.
    """
    requests = errors = 0
    for instance, (total, failed) in now.items():
        before = first.get(instance, (total, failed))
        requests += max(0, total - before[0])
        errors += max(0, failed - before[1])
    return Sample(requests=max(requests, errors), errors=errors)


def _claim(order: JudgeOrder, look: Look) -> Claim:
    samples = look.samples(order)
    sample = samples.sample
    period = max(route.watch.period_seconds for route in order.application.routes)
    return Claim(
        rung=Rung.WATCHED,
        phase=order.phase,
        side=order.side.name,
        basis="sampled",
        period_seconds=period,
        bound=rate_bound(sample.requests, sample.errors) if sample.requests else None,
        sentence=look.judged.sentence,
        holds=look.judged.judgement is Judgement.GOOD,
        detail=samples.detail(),
    )
