# SPDX-License-Identifier: Apache-2.0
"""What Temporal has of one run."""

from temporalio.client import Client, WorkflowExecutionDescription

from relocate.errors import NotRunning
from relocate.temporal.connection import ANSWER
from relocate.temporal.failures import asking


async def described(client: Client, workflow: str, run: str | None = None) -> WorkflowExecutionDescription | None:
    """The run, or the latest of that id; None: Temporal does not know it.

    Raises:
        EngineUnavailable: Temporal did not answer.
    """
    try:
        async with asking(workflow):
            return await client.get_workflow_handle(workflow, run_id=run).describe(rpc_timeout=ANSWER)
    except NotRunning:
        return None
