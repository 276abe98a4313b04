# SPDX-License-Identifier: Apache-2.0
"""Workflow clients: the names behind `POST /invoke/{workflowClientName}`, and which workflow each starts."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from relocate.emco.moves import ALL, MIGRATE, RELOCATE
from relocate.emco.names import Wanted
from relocate.emco.spec import StartOptions, TemporalSpec
from relocate.errors import InvalidRequest, NotFound
from relocate.model.values import DEFAULT_PROJECT, Model, Payload, Project

MIGRATION_TASK_QUEUE = "MIGRATION_TASK_Q"
RELOCATE_TASK_QUEUE = "RELOCATE_TASK_Q"
LCM_TASK_QUEUE = "LCM_TASK_Q"
"""Of Orange's `LcmWorkflow`, which is somebody else's: it decides when to relocate, and has us do it."""


class WorkflowClient(Model):
    """One name, and the workflow that it starts."""

    project: Project = DEFAULT_PROJECT
    """Who may use it, besides those who have all projects. Of ours nobody asks: the applications that they move say it."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")
    """As it stands in the intent's `workflowClientName`."""
    task_queue: str = Field(default="", max_length=1000)
    """Where the workflow's workers wait, whatever the intent says; empty: the intent's `TaskQueue`."""
    workflow_type: str = Field(default="", max_length=1000)
    """Empty: called as its task queue, which is what EMCO's generic workflow client does."""


class Invocation(Payload):
    """A workflow that somebody wants started: everything that Temporal is told."""

    workflow_type: str
    task_queue: str
    options: StartOptions
    argument: bytes
    """JSON of the one argument."""
    project: str = ""
    """Kept by Temporal as a memo, for whoever may reach only some projects; empty: nothing is added to what was asked for."""


def known_clients(
    configured: Sequence[WorkflowClient], migrate_queue: str, relocate_queue: str
) -> Mapping[str, WorkflowClient]:
    """Every workflow client by name; a configured one takes the place of ours.

    Args:
        configured: the operator's.
        migrate_queue: where our migrations wait.
        relocate_queue: where our relocations wait.
    """
    ours = (
        WorkflowClient(name=MIGRATE.client, task_queue=migrate_queue, workflow_type=MIGRATE.workflow_type),
        WorkflowClient(name=RELOCATE.client, task_queue=relocate_queue, workflow_type=RELOCATE.workflow_type),
        WorkflowClient(name="lcm_workflowclient", task_queue=LCM_TASK_QUEUE, workflow_type="LcmWorkflow"),
    )
    return {client.name: client for client in (*ours, *configured)}


_OURS = {
    MIGRATE.workflow_type: MIGRATE,
    MIGRATION_TASK_QUEUE: MIGRATE,
    RELOCATE.workflow_type: RELOCATE,
    RELOCATE_TASK_QUEUE: RELOCATE,
}
"""By the types under which workers take our workflows."""


def moved(workflow_type: str, spec: TemporalSpec) -> Wanted | None:
    """Which applications a workflow of ours would move, and where; None for somebody else's.

    Args:
        workflow_type: the one that is started, whichever workflow client starts it.
        spec: with its parameters.

    Raises:
        InvalidRequest: it would refuse its parameters.
    """
    move = _OURS.get(workflow_type)
    if move is None:
        return None
    move.check(spec.params)
    return Wanted.of(spec.params.activity_params[ALL])


def invocation(clients: Mapping[str, WorkflowClient], name: str, spec: TemporalSpec) -> Invocation:
    """What `spec` asks of the workflow client `name`.

    Raises:
        NotFound: there is no such workflow client.
        InvalidRequest: nothing says on which task queue the workflow waits, or one of ours would refuse its parameters.
    """
    client = clients.get(name)
    if client is None:
        raise NotFound(f"no workflow client is called {name}; known: {', '.join(sorted(clients))}")
    queue = client.task_queue or spec.start_options.task_queue
    if not queue:
        text = "must name one, as the workflow client has none of its own"
        raise InvalidRequest(text, field="workflowStartOptions.TaskQueue")
    kind = client.workflow_type or queue
    for move in (MIGRATE, RELOCATE):
        if kind == move.workflow_type:
            move.check(spec.params)
    return Invocation(workflow_type=kind, task_queue=queue, options=spec.start_options, argument=spec.params.payload())
