# SPDX-License-Identifier: Apache-2.0
"""Applications that run already: looked at, taken over, given back."""

from fastapi import APIRouter

from api.catalogue import EntryName, Place
from api.service import Caller, TheService
from relocate.dispatch import Adoption
from relocate.model.placement import Placement
from relocate.model.relocation import Actor
from relocate.model.values import Name

router = APIRouter(tags=["catalogue"])


@router.get("/v1/applications/{name}/adoption")
async def adoption(name: EntryName, cluster: Name, service: TheService) -> Adoption:
    """What adopting what runs on a cluster would find and change, and what stops it. Changes nothing."""
    return await service.dispatch.adoption(name, cluster)


@router.put("/v1/applications/{name}/adoption")
async def adopt(name: EntryName, body: Place, service: TheService, caller: Caller) -> Placement:
    """Take over what runs on a cluster, and the routes that lead to it; answers when users are served by them."""
    return await service.dispatch.adopt(name, body.cluster, Actor(who=caller))


@router.delete("/v1/applications/{name}/adoption")
async def release(name: EntryName, service: TheService, caller: Caller) -> Placement:
    """Give back what was adopted, as it was; answers with what it was when nothing of ours is left."""
    return await service.dispatch.release(name, Actor(who=caller))
