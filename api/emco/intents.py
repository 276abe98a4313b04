# SPDX-License-Identifier: Apache-2.0
"""workflowmgr's own routes, for those who keep their workflow intents with us.

Paths, bodies and answers are workflowmgr's; what it gets wrong is not kept: 404 and 409 where it answers 500, a result that is
there, a workflow id that is the intent's, a cancel that works. `temporalServer` is taken and not used: it is always our own.
"""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.access.projects import Reach, TheReach
from api.emco.invoke import start
from api.emco.route import EmcoRoute
from api.service import Service, TheService
from relocate.emco.intents import LONGEST_NAME, NAME, CancelRequest, IntentGroup, WorkflowIntent, identified
from relocate.emco.spec import TemporalSpec
from relocate.emco.workflows import Question
from relocate.errors import NotFound

BASE = (
    "/v2/projects/{project}/composite-apps/{compositeApp}/{compositeAppVersion}"
    "/deployment-intent-groups/{deploymentIntentGroup}/temporal-workflow-intents"
)

router = APIRouter(prefix=BASE, tags=["EMCO"], route_class=EmcoRoute)


def _part(alias: str | None = None) -> Any:
    """A part of a path that is a name of EMCO's; `alias` is what the path calls it, if that is another name than here."""
    return Path(alias=alias, pattern=NAME, max_length=LONGEST_NAME)


Named = Annotated[str, _part()]


async def _group(
    project: Named,
    app: Annotated[str, _part("compositeApp")],
    version: Annotated[str, _part("compositeAppVersion")],
    group: Annotated[str, _part("deploymentIntentGroup")],
) -> IntentGroup:
    return IntentGroup(project, app, version, group)


Group = Annotated[IntentGroup, Depends(_group)]


async def _spec(service: Service, group: IntentGroup, name: str) -> TemporalSpec:
    """What an intent wants started; its workflow has an id in any case."""
    intent = await asyncio.to_thread(service.database.intents.get, group, name)
    return identified(group, intent)


async def _check_owner(service: Service, reach: Reach, workflow: str, run: str) -> None:
    """Who has only some projects reaches the workflows of these, whichever id an intent names. Raises NotFound."""
    if reach.principal.everywhere:
        return
    project = await service.dispatch.workflows.project_of(workflow, run)
    if not (project and reach.principal.reaches(project)):
        raise NotFound(f"Temporal knows no workflow {workflow} that it could ask")


Flag = Literal["true", "false", ""]


class StatusQuery(BaseModel):
    """What is wanted of a workflow. An unknown parameter is an error."""

    model_config = ConfigDict(extra="forbid")

    temporal_server: str = Field(default="", alias="temporalServer")
    workflow: str = Field(default="", alias="workflowID", max_length=1000)
    run: str = Field(default="", alias="runID", max_length=1000)
    query: str = Field(default="", alias="queryType", max_length=1000)
    waits: Flag = Field(default="", alias="waitForResult")
    describes: Flag = Field(default="", alias="runDescribeWfExec")
    lists: Flag = Field(default="", alias="getWfHistory")


@router.post("", status_code=201)
async def create(group: Group, intent: WorkflowIntent, service: TheService) -> JSONResponse:
    """Keep an intent. Nothing is started."""
    await asyncio.to_thread(service.database.intents.create, group, intent)
    return JSONResponse(intent.model_dump(mode="json"), 201)


@router.get("")
async def list_intents(group: Group, service: TheService) -> JSONResponse:
    """All of the group, by name."""
    found = await asyncio.to_thread(service.database.intents.list, group)
    return JSONResponse([intent.model_dump(mode="json") for intent in found])


@router.get("/{name}")
async def read(group: Group, name: Named, service: TheService) -> JSONResponse:
    """One, in Go's own spelling."""
    found = await asyncio.to_thread(service.database.intents.get, group, name)
    return JSONResponse(found.model_dump(mode="json"))


@router.delete("/{name}", status_code=204, response_class=Response)
async def delete(group: Group, name: Named, service: TheService) -> Response:
    """Forget one. What it has started goes on."""
    await asyncio.to_thread(service.database.intents.delete, group, name)
    return Response(status_code=204)


@router.post("/{name}/start", status_code=204, response_class=Response)
async def start_intent(group: Group, name: Named, service: TheService, reach: TheReach) -> Response:
    """Start what the intent says, as `POST /invoke/{workflowClientName}`. The body is passed over."""
    spec = await _spec(service, group, name)
    return await start(service, reach, spec.workflow_client_name, spec)


@router.get("/{name}/status")
async def status(
    group: Group, name: Named, wanted: Annotated[StatusQuery, Query()], service: TheService, reach: TheReach
) -> JSONResponse:
    """What Temporal says of the intent's workflow, or of the one that is named."""
    spec = await _spec(service, group, name)
    question = Question(
        workflow=wanted.workflow or spec.start_options.id,
        run=wanted.run,
        waits=wanted.waits == "true",
        description=wanted.describes == "true",
        history=wanted.lists == "true",
        query=wanted.query,
    )
    await _check_owner(service, reach, question.workflow, question.run)
    found = await service.dispatch.workflows.look(question)
    more = {
        "runID": wanted.run,
        "workflowHistory": found.history,
        "workflowResult": found.result,
        "workflowQueryResult": found.query,
        "workflowFailure": found.failure,
    }
    said = {"workflowID": question.workflow, "workflowExecutionDescription": found.description}
    return JSONResponse(said | {key: value for key, value in more.items() if value not in (None, "")})


@router.post("/{name}/cancel", status_code=204, response_class=Response)
async def cancel(group: Group, name: Named, body: CancelRequest, service: TheService, reach: TheReach) -> Response:
    """Cancel the intent's workflow, or terminate it. A relocation under it goes back either way."""
    spec, how = await _spec(service, group, name), body.spec
    workflows, workflow = service.dispatch.workflows, how.workflow or spec.start_options.id
    await _check_owner(service, reach, workflow, how.run)
    if how.terminate:
        await workflows.terminate(workflow, how.run, how.reason, how.details or ())
    else:
        await workflows.cancel(workflow, how.run)
    return Response(status_code=204)
