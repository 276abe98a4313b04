# SPDX-License-Identifier: Apache-2.0
"""Relocations: asked for, looked at, commanded."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.access.projects import TheReach
from api.paging import following
from api.problems import Refused
from api.service import Caller, Identity, TheService
from relocate.dispatch import CommandResult, DryRun
from relocate.errors import InvalidRequest, NotFound
from relocate.model.relocation import Actor, Outcome, RelocationRequest, Status, View
from relocate.model.values import Model, Name

router = APIRouter(tags=["relocations"])

COMMANDS = ("hold", "proceed", "retry", "settle", "finish-cleanup", "abandon")

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same body is answered as the first time, and starts nothing.",
    ),
]


_CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "Refused; `detail` says why. Nothing changed."}}
_PLAN: dict[int | str, dict[str, Any]] = {200: {"model": DryRun, "description": "With dryRun: the plan."}}


class RelocationView(View):
    """A relocation with the addresses that belong to it."""

    links: dict[str, str]

    @classmethod
    def of(cls, view: View) -> "RelocationView":
        """`view` with links."""
        me = f"/v1/relocations/{view.id}"
        more = ["events", "evidence", "watched"]
        if view.status is not Status.FINISHED:
            more += ["cancel", *COMMANDS]
        links = {"self": me, **{name: f"{me}/{name}" for name in more}}
        # The view has been checked where it was made.
        return RelocationView.model_construct(**dict(view), links=links)


class Page(BaseModel):
    """Some relocations, newest first."""

    items: list[RelocationView]
    next: str | None = Field(description="Address of the next page, or null; also in the header Link.")


class Filter(BaseModel):
    """Which relocations are listed. An unknown parameter is an error, so that a slip does not list everything."""

    model_config = ConfigDict(extra="forbid")

    application: Name | None = None
    status: Status | None = None
    outcome: Outcome | None = None
    cursor: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Id of the last relocation of the page before."""
    limit: int = Field(default=50, ge=1, le=500)


class Command(Model):
    """Why somebody commands something; kept in the relocation's record."""

    why: str = Field(default="", max_length=1024)
    cluster: Name | None = Field(default=None, description="For `settle`: the side to stay on.")


@router.post("/v1/relocations", status_code=202, response_model=RelocationView, responses=_PLAN)
@router.post("/relocate", status_code=202, response_model=RelocationView, responses=_PLAN)
async def relocate(
    body: RelocationRequest,
    service: TheService,
    caller: Caller,
    reach: TheReach,
    *,
    key: Key = None,
    dry_run: Annotated[bool, Query(alias="dryRun", description="Say what would happen; change nothing.")] = False,
) -> Response:
    """Move an application. Answers as soon as the request is safely kept; follow `Location`, or its `events`."""
    await reach.application(body.application)
    if dry_run:
        plan = await service.dispatch.dry_run(body)
        return JSONResponse(plan.model_dump(mode="json"))
    accepted = await service.dispatch.accept(body, key=reach.key(key), actor=Actor(who=caller, why=body.reason))
    found = RelocationView.of(accepted.view)
    headers = {"Location": found.links["self"]}
    return Response(found.model_dump_json(), status_code=202, headers=headers, media_type="application/json")


@router.get("/v1/relocations")
async def list_relocations(
    wanted: Annotated[Filter, Query()], service: TheService, reach: TheReach, request: Request, response: Response
) -> Page:
    """Relocations that are there for the caller, newest first."""
    listing = service.database.relocations.list
    filters = wanted.model_dump(include={"application", "status", "outcome"})
    try:
        views = await asyncio.to_thread(
            listing, **filters, projects=reach.projects, before=wanted.cursor, limit=wanted.limit + 1
        )
    except NotFound as error:
        raise InvalidRequest("cursor: must be the one that the page before gave", field="query.cursor") from error
    shown = [RelocationView.of(view) for view in views[: wanted.limit]]
    more = len(views) > wanted.limit
    return Page(items=shown, next=following(request, response, cursor=shown[-1].id) if more else None)


@router.get("/v1/relocations/{identity}")
async def one_relocation(identity: Identity, service: TheService) -> RelocationView:
    """The whole pipeline of one relocation, every phase with its state."""
    return RelocationView.of(await asyncio.to_thread(service.database.relocations.get, identity))


@router.post("/v1/relocations/{identity}/cancel", status_code=202, responses=_CONFLICT)
async def cancel(
    identity: Identity, service: TheService, caller: Caller, command: Command | None = None
) -> RelocationView:
    """Ask for the relocation to be undone. After the point of no return this is recorded as too late."""
    why = command.why if command else ""
    return RelocationView.of(await service.dispatch.cancel(identity, Actor(who=caller, why=why)))


def _route(name: str, sentence: str) -> None:
    async def run(
        identity: Identity, service: TheService, caller: Caller, command: Command | None = None
    ) -> CommandResult:
        given = command or Command()
        actor = Actor(who=caller, why=given.why)
        result = await service.dispatch.command(identity, name, actor, cluster=given.cluster)
        if not result.accepted:
            raise Refused(result.sentence)
        return result

    run.__name__ = name.replace("-", "_")
    path = f"/v1/relocations/{{identity}}/{name}"
    router.post(path, description=sentence, responses=_CONFLICT)(run)


for _name, _sentence in {
    "hold": "Stop going forward. Going back is never held.",
    "proceed": "Go forward after a hold.",
    "retry": "For `needs_operator`: try again what could not be done.",
    "settle": "For `needs_operator`: stay on `cluster`; refused unless that side is proven healthy now.",
    "finish-cleanup": "For `needs_operator`: remove what the relocation left behind, and end it.",
    "abandon": "For `needs_operator`: end the relocation and leave everything as it is.",
}.items():
    _route(_name, _sentence)
