# SPDX-License-Identifier: Apache-2.0
"""Temporal as workflowmgr uses it, in memory: it remembers what was started, and runs nothing."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from relocate.emco.clients import Invocation
from relocate.emco.workflows import Answer, Question, Started, Workflows
from relocate.errors import AlreadyStarted, EngineUnavailable, InvalidRequest, NotFound, NotRunning


class MemoryWorkflows(Workflows):
    """Every workflow runs for ever. Fault: `down` makes Temporal unavailable."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._numbers = count(1)
        self.down = False
        self.started: dict[str, Invocation] = {}
        self.ended: list[tuple[str, str, str]] = []
        """Workflow, run and how, or why."""

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

    async def project_of(self, workflow: str, run: str) -> str:  # noqa: ARG002, the contract's signature
        """As it was started."""
        self._known(workflow)
        return self.started[workflow].project

    async def look(self, question: Question) -> Answer:
        """Whatever was started runs; `current-state` is the only query."""
        self._known(question.workflow)
        if question.query not in ("", "current-state"):
            raise InvalidRequest(f"queryType: {question.query}: unknown", field="query.queryType")
        return Answer(
            description={"workflow_execution_info": {"status": 1}} if question.description else {},
            history=[{"event_id": 1}] if question.history else None,
            query="started" if question.query else None,
            result={"InParams": {}} if question.waits else None,
        )

    async def cancel(self, workflow: str, run: str) -> None:
        """Recorded."""
        self._known(workflow)
        self.ended.append((workflow, run, "cancel"))

    async def terminate(self, workflow: str, run: str, reason: str, details: Sequence[Any]) -> None:
        """Recorded; then it is gone."""
        self._known(workflow)
        if workflow in (one for one, *_ in self.ended):
            raise NotRunning(f"{workflow} has ended: terminated")
        self.ended.append((workflow, run, " ".join((reason, *map(str, details)))))

    def _known(self, workflow: str) -> None:
        if self.down:
            raise EngineUnavailable("Temporal cannot be reached")
        if workflow not in self.started:
            raise NotFound(f"Temporal knows no workflow {workflow} that it could ask")
