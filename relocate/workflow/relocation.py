# SPDX-License-Identifier: Apache-2.0
"""The workflow of one relocation: deploy on B, prove B ready, switch, bake, drain A, remove A; and the way back."""

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from relocate.activities import orders
    from relocate.model.relocation import Actor, Outcome, Phase, Status, View
    from relocate.workflow.desk import Command, CommandOrder, Desk
    from relocate.workflow.journal import Journal, note
    from relocate.workflow.move import Move
    from relocate.workflow.runbook import Runbook
    from relocate.workflow.way_back import WayBack

MOST_TARGETS = 3
"""How many of the ranked targets are tried before the relocation gives up."""


class Relocation:
    """A run under an application's lease: forward by a runbook; when that fails or is cancelled, back; operators are heard."""

    @workflow.init
    def __init__(self, start: orders.Start) -> None:
        """Args: start: the accepted request with everything it needs."""
        self._journal = Journal(start)
        self._move = Move(start, self._journal)
        self._desk = Desk()
        self._back = WayBack(self._move, self._journal, self._desk)
        self.runbook = Runbook(self._move, self._journal, self._desk, self._back)

    async def forward(self) -> orders.Ended:
        """The way forward, phase by phase; how it ended."""
        raise NotImplementedError

    @property
    def application(self) -> str:
        """Name of what is moved."""
        return self._move.start.application.name

    @property
    def sides(self) -> Sequence[str]:
        """Clusters that are known by now: the source first, then the target."""
        return [side.name for side in self._move.sides]

    async def carry_out(self) -> orders.Ended:
        """Go forward until done, stopped or cancelled; then, if need be, back."""
        forward = asyncio.create_task(self.forward())
        by_temporal = await self._cancelled_before(lambda: forward.done() or self._cancels())
        concluding = asyncio.create_task(self._conclude(forward))
        while not concluding.done():
            by_temporal = await self._cancelled_before(concluding.done) or by_temporal
        ended = concluding.result()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if by_temporal and ended.outcome == Outcome.CANCELLED:
            raise asyncio.CancelledError(ended.sentence)
        return ended

    # ---- end -------------------------------------------------------------------------------------------------------

    async def _conclude(self, forward: "asyncio.Task[orders.Ended]") -> orders.Ended:
        if self.runbook.past_return and self._desk.cancelled_by is not None:
            self._journal.tell(note(Phase.TEARDOWN, "A cancel came after the point of no return: too late."))
            await self._journal.keep()
        elif not forward.done():
            forward.cancel()
        try:
            ended = await forward
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every failure leads back, none away
            ended = await self._back.go(error)
        await self.runbook.comparison.end()
        await self._journal.finish(Outcome(ended.outcome), ended.sentence)
        return ended

    # ---- people ----------------------------------------------------------------------------------------------------

    @workflow.signal
    def cancel(self, actor: Actor) -> None:
        """Undo everything, unless the point of no return has been passed."""
        self._desk.cancel(actor)

    @workflow.update
    async def command(self, order: CommandOrder) -> str:
        """Take a command; answers what was understood."""
        understood = self._desk.take(order)
        said = note(self._journal.view.phase, understood, order.samples)
        if self._journal.view.status in (Status.RUNNING, Status.HELD):
            held = self._desk.held_by is not None
            next_step = "proceed goes on; cancel goes back" if held else ""
            self._journal.tell(said, status=Status.HELD if held else Status.RUNNING, next_step=next_step)
        else:
            self._journal.tell(said)
        await self._journal.keep()
        return understood

    @command.validator
    def _check_command(self, order: CommandOrder) -> None:
        reason = self._desk.why_not(order)
        if self._journal.view.status is Status.FINISHED:
            reason = "the relocation has ended"
        elif self.runbook.past_return and order.command is Command.HOLD:
            reason = "the point of no return has been passed"
        if reason is not None:
            raise ApplicationError(reason, type="Refused")

    @workflow.query
    def view(self) -> View:
        """The view as the workflow knows it."""
        return self._journal.view

    async def _cancelled_before(self, condition: Callable[[], bool]) -> bool:
        """Wait for a condition; whether Temporal's own cancel came first. It comes once: waiting again is safe."""
        try:
            await workflow.wait_condition(condition)
        except asyncio.CancelledError:
            self._desk.cancel(Actor(who="Temporal", why="the workflow was cancelled"))
            return True
        return False

    def _cancels(self) -> bool:
        return self._desk.cancelled_by is not None and not self.runbook.past_return


@workflow.defn(name="Relocate")
class Relocate(Relocation):
    """One move of one application from its source cluster to a target cluster."""

    @workflow.run
    async def run(self, start: orders.Start) -> orders.Ended:  # noqa: ARG002 - taken by __init__
        """The whole of it."""
        return await self.carry_out()

    async def forward(self) -> orders.Ended:
        """Every phase, in order."""
        runbook = self.runbook
        decision = await runbook.select()
        if decision.keep_current:
            return orders.Ended(outcome=Outcome.NOTHING_TO_DO, sentence=decision.sentence)
        if not decision.ranked:
            return orders.Ended(outcome=Outcome.NO_TARGET, sentence=decision.sentence)
        await runbook.first_that_is_ready(decision.ranked[:MOST_TARGETS])
        await runbook.comparison.wait_for_baseline()
        await runbook.transfer()
        await runbook.switch()
        await runbook.bake()
        await runbook.drain()
        return await runbook.teardown()
