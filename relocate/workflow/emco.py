# SPDX-License-Identifier: Apache-2.0
"""EMCO's two workflows: each finds out what is meant, and has it relocated, one application after the other."""

from collections.abc import Mapping
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from relocate.activities import calls
    from relocate.emco import moves
    from relocate.emco.moves import State
    from relocate.emco.names import Wanted
    from relocate.model.relocation import Phase
    from relocate.workflow.invoked import Invoked, over


class EmcoWorkflow(Invoked):
    """What both have in common."""

    move: ClassVar[moves.Move]

    def __init__(self) -> None:
        """Nothing has been done."""
        super().__init__()
        self._state = State.STARTED

    async def carry_out(self, given: Any) -> Mapping[str, object]:
        """Everything, from the parameters as they came to the result as EMCO wants it.

        Raises:
            ApplicationError: it was not done, and is not to be tried again; the text says why.
            CancelledError: it was undone, as Temporal was asked to cancel it.
        """
        if workflow.info().attempt > 1:
            raise over("The run before this one ended too early, and its relocation goes back: start it anew.")
        params = self.parameters(given, self.move.check)
        self._state = State.GET
        found = await self.done(calls.FIND, Wanted.of(params))
        moved: list[str] = []
        for application in found.applications:
            try:
                await self.relocate(application, found.target)
            except ApplicationError as error:
                if not moved:
                    raise
                raise over(f"{', '.join(moved)} moved to {found.target}; {error.message}") from error
            moved.append(application)
        self._state = State.COMPLETED
        return self.move.result(params)

    @workflow.query(name="current-state")
    def current_state(self) -> str:
        """The original's activity that does something like what goes on now; after a failure, the last one."""
        return self._state

    def enters(self, phase: Phase) -> None:
        """The relocation that runs has entered a phase."""
        self._state = self.move.shows[phase]


@workflow.defn(name="EmcoMigrateWorkflow")
class EmcoMigrate(EmcoWorkflow):
    """Moves every application of a deployment intent group."""

    move = moves.MIGRATE

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: `WorkflowParams`, as Go writes it."""
        return await self.carry_out(params)


@workflow.defn(name="EmcoRelocateWorkflow")
class EmcoRelocate(EmcoWorkflow):
    """Moves one application of a deployment intent group."""

    move = moves.RELOCATE

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: `WorkflowParams`, as Go writes it."""
        return await self.carry_out(params)


@workflow.defn(name="MIGRATION_TASK_Q")
class MigrateByQueue(EmcoMigrate):
    """The same, as EMCO's generic workflow client calls it: by the name of its task queue."""

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: as above."""
        return await self.carry_out(params)


@workflow.defn(name="RELOCATE_TASK_Q")
class RelocateByQueue(EmcoRelocate):
    """As `MigrateByQueue`."""

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: as above."""
        return await self.carry_out(params)
