# SPDX-License-Identifier: Apache-2.0
"""The gate's runner on a fake clock."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from readiness.answers import never, not_yet, ready
from readiness.checks import Check
from readiness.clock import FakeClock
from readiness.gate import GateOutcome
from readiness.model import GateSpec, ProbeSpec, Readiness, Verdict
from readiness.rounds import Round, watch

SPEC = GateSpec(probes=(ProbeSpec(kind="memory"),), period_seconds=0.5, stable_seconds=1, deadline_seconds=10)


class Scripted:
    """A check that gives answers in order, the last for ever, and notes when it was asked."""

    def __init__(self, clock: FakeClock, answers: Sequence[Verdict], takes: float = 0.0) -> None:
        self.clock, self.answers, self.takes = clock, list(answers), takes
        self.asked_at: list[float] = []

    async def __call__(self) -> Verdict:
        """The next answer, after the time that it takes."""
        self.asked_at.append(self.clock.monotonic())
        await self.clock.sleep(self.takes)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_asks_once_a_period_until_stable() -> None:
    """The gate opens at the first round that completes the stable time, and says since when it was stable."""
    clock = FakeClock()
    check = Scripted(clock, [not_yet("starting"), ready("ok")])
    result = await watch(SPEC, {"memory direct": Check(check, "memory")}, clock=clock)
    assert result.ready
    assert check.asked_at == [0, 0.0625, 0.5625, 1.0625]
    assert result.stable_since == result.started_at + timedelta(seconds=0.0625)
    assert (result.rounds, result.breaks) == (4, 0)
    assert result.checks["memory direct"].not_yet == 1


async def test_first_rounds_come_closer_together() -> None:
    """Whoever is just about to be ready is not made to wait for a whole period; nobody is asked that often for long."""
    clock = FakeClock()
    check = Scripted(clock, [not_yet("starting")])
    await watch(SPEC.model_copy(update={"deadline_seconds": 2}), {"memory direct": Check(check, "memory")}, clock=clock)
    assert check.asked_at == [0, 0.0625, 0.1875, 0.4375, 0.9375, 1.4375, 1.9375]


async def test_rounds_start_on_schedule_however_long_answers_take() -> None:
    """The period counts from one round's start to the next one's; a longer answer delays only the next round."""
    clock = FakeClock()
    check = Scripted(clock, [not_yet("slow")], takes=0.2)
    await watch(
        SPEC.model_copy(update={"deadline_seconds": 1.6}), {"memory direct": Check(check, "memory")}, clock=clock
    )
    assert check.asked_at == pytest.approx([0, 0.2, 0.4, 0.65, 1.15])


async def test_gates_that_share_turns_ask_one_after_the_other() -> None:
    """A round waits for its turn before its own time begins, so no answer is late for it; every gate opens."""
    clock, turn = FakeClock(), asyncio.Semaphore(1)
    one, other = (Scripted(clock, [ready("ok")], takes=0.4) for _ in range(2))
    spec = SPEC.model_copy(update={"timeout_seconds": 0.45})
    results = await asyncio.gather(
        *(watch(spec, {"memory direct": Check(each, "memory")}, clock=clock, turn=turn) for each in (one, other))
    )
    assert [result.ready for result in results] == [True, True]
    asked = sorted([*one.asked_at, *other.asked_at])
    assert all(later - earlier >= 0.4 - 1e-9 for earlier, later in pairwise(asked))


async def test_waits_for_the_delay_and_ends_at_the_deadline() -> None:
    """The first question comes after the delay, and the end exactly at the deadline."""
    clock = FakeClock()
    check = Scripted(clock, [not_yet("503")])
    spec = SPEC.model_copy(update={"delay_seconds": 2.0, "deadline_seconds": 3.2})
    result = await watch(spec, {"memory direct": Check(check, "memory")}, clock=clock)
    assert check.asked_at == [2.0, 2.0625, 2.1875, 2.4375, 2.9375]
    assert clock.monotonic() == pytest.approx(3.2)
    assert result.outcome is GateOutcome.DEADLINE
    assert result.sentence == "not ready within 3.2 s: memory direct: 503"


async def test_never_ends_early_with_its_reason() -> None:
    """One round is enough when waiting cannot help."""
    clock = FakeClock()
    checks = {
        "memory direct": Check(Scripted(clock, [ready("ok")]), "memory"),
        "cluster": Check(Scripted(clock, [never("exited")])),
    }
    result = await watch(SPEC, checks, clock=clock)
    assert (result.outcome, clock.monotonic()) == (GateOutcome.NEVER, 0)
    assert result.sentence == "cluster will never pass: exited"


async def test_no_checks_end_at_once() -> None:
    """Nothing to ask is never ready, and nobody waits for it."""
    clock = FakeClock()
    result = await watch(SPEC, {}, clock=clock)
    assert (result.outcome, clock.monotonic(), result.rounds) == (GateOutcome.NEVER, 0, 0)


async def test_each_round_is_told() -> None:
    """An activity can heartbeat on each round, and what it raises ends the watch."""
    clock, told = FakeClock(), list[Round]()

    async def on_round(seen: Round) -> None:
        told.append(seen)
        if len(told) == 2:
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        await watch(
            SPEC, {"memory direct": Check(Scripted(clock, [ready("ok")]), "memory")}, clock=clock, on_round=on_round
        )
    assert [seen.number for seen in told] == [1, 2]
    assert told[0].verdicts["memory direct"].ready


async def test_a_check_is_left_alone_as_long_as_it_asks_for() -> None:
    """retry_after postpones the next question to that check, and its silence is not an answer."""
    clock = FakeClock()
    later = Verdict(readiness=Readiness.NOT_YET, reason="loading", retry_after=2.0)
    slow, quick = Scripted(clock, [later, ready("ok")]), Scripted(clock, [ready("ok")])
    result = await watch(SPEC, {"slow": Check(slow, "memory"), "quick": Check(quick, "memory")}, clock=clock)
    assert slow.asked_at == [0, 2.4375, 2.9375, 3.4375]
    assert len(quick.asked_at) == 10
    assert result.ready
    assert result.stable_since == result.started_at + timedelta(seconds=2.4375)


async def test_a_broken_check_is_not_ready_and_ends_nothing() -> None:
    """What a stranger's probe raises becomes a verdict, cut to a readable length."""

    async def broken() -> Verdict:
        raise KeyError("x" * 1000)

    clock = FakeClock()
    result = await watch(SPEC, {"memory direct": Check(broken, "memory")}, clock=clock)
    last = result.checks["memory direct"].last
    assert result.outcome is GateOutcome.DEADLINE
    assert last is not None
    assert last.reason.startswith("the check itself failed: KeyError")
    assert len(last.reason) <= 256


async def test_cancelling_the_watch_cancels_its_questions() -> None:
    """No question outlives the watch."""
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def hanging() -> Verdict:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    task = asyncio.create_task(watch(SPEC, {"memory direct": Check(hanging, "memory")}))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
