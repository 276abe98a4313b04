# SPDX-License-Identifier: Apache-2.0
"""The gate's runner: asks every check once a period, until the gate has something to say.

Its first rounds come closer together as long as the rule does not hold: who is just about to be ready is seen sooner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from readiness.answers import not_yet, shortened
from readiness.checks import Check
from readiness.clock import Clock, SystemClock
from readiness.gate import CheckRecord, GateOutcome, GateState, GateVerdict, advance, begin, judge
from readiness.model import GateSpec, Model, Readiness, Verdict

EARLY_ROUNDS = 3
"""So many pauses are shorter: an eighth, a quarter and half of a period."""
GRACE_SECONDS = 0.5
"""A probe enforces its time-out itself; after this much more its check is cancelled and counts as not ready."""


class Round(Model):
    """One round: what each check said, and what the gate makes of it."""

    number: int
    at: float
    """Seconds since the gate's start at which the last answer came."""
    verdict: GateVerdict
    verdicts: Mapping[str, Verdict]
    """By check; a check that asked to be left alone for a while (`retry_after`) is missing."""


class GateResult(Model):
    """How the gate ended, with the evidence."""

    outcome: GateOutcome
    sentence: str
    started_at: datetime
    ended_at: datetime
    stable_since: datetime | None
    """Since when the rule held without a break, at the end; None if it did not hold."""
    rounds: int
    breaks: int
    checks: Mapping[str, CheckRecord]

    @property
    def ready(self) -> bool:
        """Whether the gate opened."""
        return self.outcome is GateOutcome.READY


OnRound = Callable[[Round], Awaitable[None]]
Turn = AbstractAsyncContextManager[object, Any]
"""Can be entered any number of times, such as a semaphore."""
AT_ANY_TIME: Turn = nullcontext()


async def _ignore(_: Round) -> None:
    return


async def watch(
    spec: GateSpec,
    checks: Mapping[str, Check],
    *,
    clock: Clock | None = None,
    on_round: OnRound = _ignore,
    turn: Turn = AT_ANY_TIME,
) -> GateResult:
    """Ask all `checks` together, once a period and in the beginning more often, until the gate ends.

    Args:
        spec: rule and times.
        checks: questions by name (`readiness.checks.checks`, and others beside them). None at all is never ready.
        clock: the machine's if None.
        on_round: told of each round, to heartbeat; what it raises ends the watch.
        turn: entered for each round, so that of many gates in one process only some ask at a time.
    """
    clock = clock or SystemClock()
    started_at, start = clock.now(), clock.monotonic()
    state = begin({name: check.probe for name, check in checks.items()}, start)
    verdict = judge(spec, state, start)
    if not verdict.ended:
        await clock.sleep(min(spec.delay_seconds, spec.deadline_seconds))
        verdict = judge(spec, state, clock.monotonic())
    resting: dict[str, float] = {}
    while not verdict.ended:
        async with turn:
            began = clock.monotonic()
            awake = {name: check for name, check in checks.items() if resting.get(name, began) <= began}
            verdicts = await _asked(awake, spec.timeout_seconds)
            now = clock.monotonic()
        resting = {name: until for name, until in resting.items() if name not in awake} | _rests(verdicts, now)
        state = advance(spec, state, now, verdicts)
        verdict = judge(spec, state, now)
        await on_round(Round(number=state.rounds, at=now - start, verdict=verdict, verdicts=verdicts))
        if not verdict.ended:
            await clock.sleep(min(began + _pause(spec, state), start + spec.deadline_seconds) - clock.monotonic())
            verdict = judge(spec, state, clock.monotonic())
    return _result(state, verdict, started_at, clock.now())


def _pause(spec: GateSpec, state: GateState) -> float:
    """From the start of the latest round to the next one's, in seconds."""
    if state.holding_since is not None or state.rounds > EARLY_ROUNDS:
        return spec.period_seconds
    return spec.period_seconds / (1 << (EARLY_ROUNDS + 1 - state.rounds))


async def _asked(checks: Mapping[str, Check], timeout: float) -> dict[str, Verdict]:
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(_answer(check, timeout)) for name, check in checks.items()}
    return {name: task.result() for name, task in asked.items()}


async def _answer(check: Check, timeout: float) -> Verdict:
    try:
        async with asyncio.timeout(timeout + GRACE_SECONDS):
            verdict = await check.ask()
    except TimeoutError:
        return not_yet(f"the check did not end within {timeout:g} s")
    except Exception as error:  # noqa: BLE001  a stranger's broken probe is not ready, and must not end the gate
        return not_yet(f"the check itself failed: {type(error).__name__}: {error}")
    seen = {shortened(name, 64): shortened(value) for name, value in verdict.observed.items()}
    return verdict.model_copy(update={"reason": shortened(verdict.reason), "observed": seen})


def _rests(verdicts: Mapping[str, Verdict], now: float) -> dict[str, float]:
    return {
        name: now + verdict.retry_after
        for name, verdict in verdicts.items()
        if verdict.readiness is Readiness.NOT_YET and verdict.retry_after
    }


def _result(state: GateState, verdict: GateVerdict, started_at: datetime, ended_at: datetime) -> GateResult:
    since = state.holding_since
    return GateResult(
        outcome=verdict.outcome,
        sentence=verdict.sentence,
        started_at=started_at,
        ended_at=ended_at,
        stable_since=None if since is None else started_at + timedelta(seconds=since - state.started_at),
        rounds=state.rounds,
        breaks=state.breaks,
        checks=state.checks,
    )
