# SPDX-License-Identifier: Apache-2.0
"""Temporal as workflowmgr uses it, in memory: it remembers what was started, and runs nothing."""

from itertools import count

from relocate.emco.clients import Invocation
from relocate.emco.workflows import Started, Workflows
from relocate.errors import AlreadyStarted, EngineUnavailable


class MemoryWorkflows(Workflows):
    """Every workflow runs for ever. Fault: `down` makes Temporal unavailable."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._numbers = count(1)
        self.down = False
        self.started: dict[str, Invocation] = {}

    async def start(self, invocation: Invocation) -> Started:
        """Remembered by id."""
        if self.down:
            raise EngineUnavailable("Temporal cannot be reached; it was not started")
        workflow = invocation.options.id or f"random-{next(self._numbers)}"
        already = workflow in self.started
        if already and invocation.options.error_when_already_started:
            raise AlreadyStarted(f"{workflow}: Workflow execution is already running.")
        self.started.setdefault(workflow, invocation)
        return Started(workflow=workflow, run=f"run-of-{workflow}", already=already)
