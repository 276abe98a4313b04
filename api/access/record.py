# SPDX-License-Identifier: Apache-2.0
"""The record of who did what, to read."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.projects import TheReach
from api.paging import following
from api.service import TheService
from relocate.store.audit import Recorded

router = APIRouter(tags=["access"])


class AuditedAct(BaseModel):
    """One request that wanted something changed."""

    id: int = Field(description="Rises.")
    at: datetime
    caller: str
    shown: str = Field(description="What the caller showed: `token`, `jwt`, `certificate` or `nothing`.")
    project: str | None = Field(description="Whose it was about; null: of no project, or not known.")
    method: str
    target: str = Field(description="Path and query.")
    digest: str = Field(description="SHA-256 of the body; empty: there was none.")
    status: int = Field(description="HTTP status of the answer.")
    about: str = Field(description="What the answer named: a relocation's address, a workflow's id, or nothing.")

    @classmethod
    def of(cls, recorded: Recorded) -> "AuditedAct":
        """`recorded`, for the wire."""
        return cls(id=recorded.id, **recorded.act._asdict())


class AuditPage(BaseModel):
    """Some acts, newest first."""

    items: list[AuditedAct]
    next: str | None = Field(description="Address of the next page, or null; also in the header Link.")


class AuditFilter(BaseModel):
    """Which acts are listed. An unknown parameter is an error, so that a slip does not list everything."""

    model_config = ConfigDict(extra="forbid")

    caller: str | None = Field(default=None, max_length=128)
    project: str | None = Field(default=None, max_length=128)
    before: int | None = Field(default=None, ge=1, lt=2**63)
    """Number of the last act of the page before."""
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/v1/audit")
async def audit(
    wanted: Annotated[AuditFilter, Query()],
    service: TheService,
    reach: TheReach,
    request: Request,
    response: Response,
) -> AuditPage:
    """Who asked for what change, newest first: of the caller's projects."""
    projects = reach.projects
    if wanted.project is not None:
        projects = {wanted.project} if projects is None else {wanted.project} & set(projects)
    listing = service.database.audit.list
    found = await asyncio.to_thread(
        listing, projects=projects, caller=wanted.caller, before=wanted.before, limit=wanted.limit + 1
    )
    shown = [AuditedAct.of(one) for one in found[: wanted.limit]]
    more = len(found) > wanted.limit
    return AuditPage(items=shown, next=following(request, response, before=shown[-1].id) if more else None)
