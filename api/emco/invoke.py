# SPDX-License-Identifier: Apache-2.0
"""The workflow client of workflowmgr and of the TAC controller: a workflow is started, and nothing is waited for.

workflowmgr takes exactly 204 for a start, drops whatever else is answered, and does not try again.
"""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.access.projects import Reach, TheReach
from api.emco.route import EmcoRoute
from api.service import Service, TheService
from relocate.emco.clients import WorkflowClient, invocation, moved
from relocate.emco.names import Wanted
from relocate.emco.spec import TemporalSpec
from relocate.errors import AlreadyStarted, EngineUnavailable, NotFound, RelocateError
from relocate.model.application import Application

router = APIRouter(tags=["EMCO"], route_class=EmcoRoute)

ClientName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=128,
        description="The intent's `workflowClientName`.",
        examples=["migrate_workflowclient"],
    ),
]

_ERRORS: dict[int | str, dict[str, Any]] = {
    204: {"description": "Temporal has it; the headers `Workflow-Id` and `Run-Id` say which."},
    400: {"description": "Refused; `errors` names the fields. Nothing was started."},
    404: {"description": "No workflow client is called that."},
    409: {"description": "It had been started before, and the options say that this is an error."},
    503: {"description": "Temporal cannot be asked; `detail` says whether it may have been started."},
}


@router.post("/invoke/{client}", status_code=204, response_class=Response, responses=_ERRORS)
async def invoke(client: ClientName, spec: TemporalSpec, service: TheService, reach: TheReach) -> Response:
    """Start the workflow that `client` stands for; the body is an intent's `spec.temporal`.

    The same workflow id again, while it runs, is answered the same, and starts nothing.
    """
    return await start(service, reach, client, spec)


async def start(service: Service, reach: Reach, client: str, spec: TemporalSpec) -> Response:
    """The answer to a start, counted.

    Raises:
        RelocateError: as `relocate.emco.clients.invocation`, `owner` and `Workflows.start`.
    """
    known = service.settings.known_workflow_clients
    label = client if client in known else ""
    try:
        wanted = invocation(known, client, spec)
        if not reach.principal.everywhere:
            project = await owner(service, reach, known[client], wanted.workflow_type, spec)
            wanted = wanted.model_copy(update={"project": project})
        started = await service.dispatch.workflows.start(wanted)
    except RelocateError as error:
        result = "unavailable" if isinstance(error, EngineUnavailable) else "refused"
        service.invocations.labels(label, result).inc()
        raise
    service.invocations.labels(label, "already" if started.already else "started").inc()
    return Response(status_code=204, headers={"Workflow-Id": started.workflow, "Run-Id": started.run})


async def owner(service: Service, reach: Reach, client: WorkflowClient, workflow_type: str, spec: TemporalSpec) -> str:
    """Whose workflow of this type it will be, for a caller who has only some projects.

    Raises:
        NotFound: what it would move is not there for him, or not all of it; or the workflow client is another project's.
        AlreadyStarted: there is a workflow of that id, and it is not his.
        InvalidRequest, EngineUnavailable: see there.
    """
    wanted = moved(workflow_type, spec)
    project = client.project if wanted is None else await _whose(service, reach, wanted)
    reach.own(project, NotFound(f"no workflow client is called {client.name}"))
    if spec.start_options.id:
        await _not_somebody_elses(service, reach, spec.start_options.id)
    return project


async def _whose(service: Service, reach: Reach, wanted: Wanted) -> str:
    """The project of what would be moved."""
    configured = await asyncio.to_thread(service.database.catalogue.list, Application)
    names = wanted.applications([one for one in configured if reach.principal.reaches(one.project)])
    if set(names) != set(wanted.applications(configured)):
        raise NotFound(
            "some applications of the deployment intent group are not there for you: name one by targetAppName"
        )
    return next(one.project for one in configured if one.name in names)


async def _not_somebody_elses(service: Service, reach: Reach, workflow: str) -> None:
    """By its id it could be ended, or be waited for, in another's place."""
    try:
        project = await service.dispatch.workflows.project_of(workflow, "")
    except NotFound:
        return
    if not (project and reach.principal.reaches(project)):
        raise AlreadyStarted(f"{workflow}: there is a workflow of that id, and it is not yours")
