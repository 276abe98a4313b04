# SPDX-License-Identifier: Apache-2.0
"""The workflow client of workflowmgr and of the TAC controller: a workflow is started, and nothing is waited for.

workflowmgr takes exactly 204 for a start, drops whatever else is answered, and does not try again.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.emco.route import EmcoRoute
from api.service import Service, TheService
from relocate.emco.clients import invocation
from relocate.emco.spec import TemporalSpec
from relocate.errors import EngineUnavailable, RelocateError

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
async def invoke(client: ClientName, spec: TemporalSpec, service: TheService) -> Response:
    """Start the workflow that `client` stands for; the body is an intent's `spec.temporal`.

    The same workflow id again, while it runs, is answered the same, and starts nothing.
    """
    return await start(service, client, spec)


async def start(service: Service, client: str, spec: TemporalSpec) -> Response:
    """The answer to a start, counted.

    Raises:
        RelocateError: as `relocate.emco.clients.invocation` and `Workflows.start`.
    """
    known = service.settings.known_workflow_clients
    label = client if client in known else ""
    try:
        started = await service.dispatch.workflows.start(invocation(known, client, spec))
    except RelocateError as error:
        result = "unavailable" if isinstance(error, EngineUnavailable) else "refused"
        service.invocations.labels(label, result).inc()
        raise
    service.invocations.labels(label, "already" if started.already else "started").inc()
    return Response(status_code=204, headers={"Workflow-Id": started.workflow, "Run-Id": started.run})
