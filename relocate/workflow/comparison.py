# SPDX-License-Identifier: Apache-2.0
"""The target beside the source: a baseline that is seen before the switch, and what the target is judged by after it."""

import asyncio

from temporalio import workflow

from relocate.activities import calls
from relocate.model.relocation import Phase, Status
from relocate.phases.judging import Judgement
from relocate.workflow.desk import Command, Desk
from relocate.workflow.journal import Journal
from relocate.workflow.move import Move
from relocate.workflow.question import ask
from relocate.workflow.reasons import GoBack


class Comparison:
    """Watches users' way from before `prepare` to the end, and judges by what was seen."""

    def __init__(self, move: Move, journal: Journal, desk: Desk) -> None:
        """Args: move: the run's facts; journal: where it is told; desk: where operators answer."""
        self._move = move
        self._journal = journal
        self._desk = desk
        self._watch: workflow.ActivityHandle[None] | None = None
        self._alone = False
        """An operator does without a baseline."""
        self._until = 0.0
        self.since = 0.0
        """Epoch seconds: when watching began."""

    def begin(self) -> None:
        """Start the prober, once. Without routes there is nothing that it could watch."""
        if self._watch is not None:
            return
        self.since = workflow.now().timestamp()
        if self._move.steered:
            self._watch = self._move.start_call(calls.WATCH, self._move.order(calls.WATCH, Phase.PREPARE))

    async def end(self) -> None:
        """Stop the prober, and wait until it has handed over what it saw."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def wait_for_baseline(self) -> None:
        """Wait until the source has been seen for long enough: once it has no traffic, no waiting helps."""
        move = self._move
        source, target = move.from_.name, move.to.name
        if move.steered and (move.policy.bake_seconds or len(move.policy.steps) > 1):
            self._journal.say(f"Watching {source} for long enough to compare {target} with it.")
            why_not = await self._why_no_baseline()
            if why_not is not None:
                await self._ask(why_not, f"proceed judges {target} by its own errors alone, unless that has changed")
                self._alone = await self._why_no_baseline(patience_seconds=0.0) is not None
        self._until = workflow.now().timestamp()

    async def judge(self, phase: Phase, seconds: float, *, since: float) -> None:
        """Watch the target; too few samples hold until somebody proceeds, and judging starts anew.

        Args:
            phase: `switch` (some of the weight) or `bake` (all of it).
            seconds: how long.
            since: epoch seconds; when the write was live that is judged.

        Raises:
            GoBack: the target is not as good as the source was.
        """
        move = self._move
        while True:
            judged = await move.do(
                calls.JUDGE,
                phase,
                side=move.to,
                baseline_side=move.from_.name,
                gate=move.gate,
                whole=phase is Phase.BAKE,
                seconds=seconds,
                baseline_from=self.since,
                baseline_until=self._until,
                since=since,
                limits=move.policy.judging,
                alone=self._alone,
            )
            if judged.judgement is Judgement.BAD:
                raise GoBack(judged.sentence)
            self._journal.say(judged.sentence)
            if judged.judgement is Judgement.GOOD:
                return
            await self._ask(judged.sentence, "proceed judges again")

    async def _why_no_baseline(self, **says: float) -> str | None:
        move = self._move
        sides = {"source": move.from_.name, "target": move.to.name}
        limits = move.policy.judging
        found = await move.do(calls.BASELINE, Phase.READY, **sides, since=self.since, limits=limits, **says)
        return found.why_not

    async def _ask(self, why: str, proceeding: str) -> None:
        next_step = f"{proceeding}; cancel goes back"
        await ask(self._journal, self._desk, Status.HELD, f"Too little was seen: {why}.", next_step, Command.PROCEED)
