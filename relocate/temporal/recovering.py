# SPDX-License-Identifier: Apache-2.0
"""Relocations that nobody carries on: their workflow was ended in Temporal, by hand or by a time-out, or it never began.

A workflow that was ended is reset to where it was (Temporal's own means), and told to go back: everything it knew is in its history.
"""

import asyncio
import time
import uuid
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest, ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus

from relocate.model.relocation import Actor
from relocate.store.acceptance import Pending
from relocate.store.database import Database
from relocate.temporal.connection import ANSWER
from relocate.temporal.failures import asking
from relocate.temporal.looking import described
from relocate.workflow.journal import note
from relocate.workflow.relocation import Relocate

PERIOD_SECONDS = 10.0
"""How often relocations are looked for whose workflow was ended."""
SETTLED = timedelta(seconds=10)
"""How long a workflow has been ended before it is reset: its activities hear of the end with their next heartbeat, and let go."""
ENDED = (WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.TIMED_OUT, WorkflowExecutionStatus.FAILED)
"""Ways to end that are not a relocation's own: it says on record how it ended, and then completes or is cancelled."""

_log = structlog.get_logger(__name__)


class Recovering:
    """Finds them, and has them go back."""

    def __init__(self, client: Client, database: Database) -> None:
        """Args: client: may be lazy; database: the service's."""
        self._client = client
        self._database = database
        self._next_look = 0.0

    def use(self, client: Client) -> None:
        """Ask Temporal through this client from now on."""
        self._client = client

    async def unbegun(self, pending: Pending) -> None:
        """A relocation that another workflow was to start: once that one has ended without, nobody does."""
        parent = pending.parent
        if parent is None:
            return
        starts = await described(self._client, parent.workflow, parent.run)
        if starts is not None and starts.status is WorkflowExecutionStatus.RUNNING:
            return
        if await described(self._client, pending.id) is not None:
            return  # it was started; its first step puts that on record
        sentence = f"{parent.workflow}, which asked for it, has ended before it began; nothing was done."
        await asyncio.to_thread(self._database.relocations.end_unbegun, pending.id, sentence, note(None, sentence))
        _log.info("ended what nobody starts", relocation=pending.id, parent=parent.workflow)

    async def sweep(self) -> None:
        """Have those go back whose workflow was ended; every now and then."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + PERIOD_SECONDS
        open_ones = await asyncio.to_thread(self._database.relocations.begun)
        for identity in open_ones - await self._running() if open_ones else ():
            await self._recover(identity)

    async def _recover(self, identity: str) -> None:
        found = await described(self._client, identity)
        if found is None or found.status not in ENDED or found.close_time is None:
            return  # it runs, or Temporal has lost it: nobody can tell then what was done, and an operator decides
        if datetime.now(UTC) - found.close_time < SETTLED:
            return
        how = f"its workflow was ended in Temporal ({found.status.name.lower().replace('_', ' ')})"
        event = await self._last_decision(found)
        if event is None:
            sentence = f"It did not begin: {how}."
            await asyncio.to_thread(self._database.relocations.end_lost, identity, sentence, note(None, sentence))
        else:
            await self._go_back(found, event, Actor(who="sweeper", why=how))
        _log.warning("goes back", relocation=identity, reason=how)

    async def _go_back(self, found: WorkflowExecutionDescription, event: int, actor: Actor) -> None:
        """Two calls, as Temporal does not do both in one (1.32): who dies between them leaves a relocation that goes on."""
        request = ResetWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=found.id, run_id=found.run_id),
            reason=actor.why,
            workflow_task_finish_event_id=event,
            # Of several sweepers that look at once, one resets it.
            request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, found.run_id)),
        )
        async with asking(found.id):
            await self._client.workflow_service.reset_workflow_execution(request, timeout=ANSWER)
            handle = self._client.get_workflow_handle_for(Relocate.run, found.id)
            await handle.signal(Relocate.cancel, actor, rpc_timeout=ANSWER)

    async def _last_decision(self, found: WorkflowExecutionDescription) -> int | None:
        """The last event to which the run can be reset; None: it never did anything."""
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=found.id, run_id=found.run_id),
        )
        while True:
            async with asking(found.id):
                page = await self._client.workflow_service.get_workflow_execution_history_reverse(
                    request, timeout=ANSWER
                )
            for event in page.history.events:
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                    return event.event_id
            if not page.next_page_token:
                return None
            request.next_page_token = page.next_page_token

    async def _running(self) -> AbstractSet[str]:
        """Ids of those that Temporal says to run; the newest may be missing."""
        query = "WorkflowType = 'Relocate' AND ExecutionStatus = 'Running'"
        async with asking():
            return {run.id async for run in self._client.list_workflows(query, rpc_timeout=ANSWER)}
