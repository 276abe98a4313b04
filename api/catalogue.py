# SPDX-License-Identifier: Apache-2.0
"""Applications, clusters and gateways: configured one by one, and where applications are placed."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from api.access.principal import Principal
from api.access.projects import Reach, TheReach
from api.masking import check_unmasked, shown
from api.service import Caller, Service, ThePrincipal, TheService
from relocate import configuration
from relocate.errors import InvalidRequest, NotFound
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from relocate.model.relocation import Actor
from relocate.model.values import Model, Name
from relocate.store.catalogue import EntryT

router = APIRouter(tags=["catalogue"])

EntryName = Annotated[Name, Path(description="A DNS label.")]


class Placements(BaseModel):
    """Where an application is."""

    application: str
    active: str | None
    """The cluster whose instance serves; null when it is not placed."""
    instances: list[Placement]


class Place(Model):
    """Where the first instance goes."""

    cluster: Name


async def _put(service: Service, reach: Reach, name: str, entry: configuration.Entry, response: Response) -> None:
    if entry.name != name:
        raise InvalidRequest(f"name: must be {name}, as in the address, or change the address", field="name")
    if not isinstance(entry, Application):
        reach.everywhere("clusters and gateways are configured")
    reach.own(entry.project, NotFound(f"project: no project is called {entry.project}"))
    check_unmasked(entry)
    await configuration.check(entry, service.settings.database)
    if isinstance(entry, Application) and reach.projects is not None:
        configuration.check_confined(entry)
    if await asyncio.to_thread(service.database.catalogue.put, entry, owners=reach.projects):
        response.status_code = 201


@router.put("/v1/applications/{name}", responses={201: {"model": Application}})
async def put_application(
    name: EntryName, entry: Application, service: TheService, reach: TheReach, response: Response
) -> Application:
    """Configure an application; 201 when it is new. Its gateways must be configured already."""
    await _put(service, reach, name, entry, response)
    return shown(entry)


@router.put("/v1/clusters/{name}", responses={201: {"model": Cluster}})
async def put_cluster(
    name: EntryName, entry: Cluster, service: TheService, reach: TheReach, response: Response
) -> Cluster:
    """Configure a cluster; its driver checks the settings."""
    await _put(service, reach, name, entry, response)
    return shown(entry)


@router.put("/v1/gateways/{name}", responses={201: {"model": Gateway}})
async def put_gateway(
    name: EntryName, entry: Gateway, service: TheService, reach: TheReach, response: Response
) -> Gateway:
    """Configure a gateway; its steering adapter checks the settings."""
    await _put(service, reach, name, entry, response)
    return shown(entry)


async def _list(service: Service, principal: Principal, kind: type[EntryT]) -> Sequence[EntryT]:
    found = await asyncio.to_thread(service.database.catalogue.list, kind)
    return [shown(one) for one in found if principal.sees(one)]


@router.get("/v1/applications")
async def list_applications(service: TheService, principal: ThePrincipal) -> Sequence[Application]:
    """All applications that are there for the caller, by name."""
    return await _list(service, principal, Application)


@router.get("/v1/clusters")
async def list_clusters(service: TheService, principal: ThePrincipal) -> Sequence[Cluster]:
    """All clusters that are there for the caller, by name."""
    return await _list(service, principal, Cluster)


@router.get("/v1/gateways")
async def list_gateways(service: TheService, principal: ThePrincipal) -> Sequence[Gateway]:
    """All gateways that are there for the caller, by name."""
    return await _list(service, principal, Gateway)


@router.get("/v1/applications/{name}")
async def get_application(name: EntryName, service: TheService) -> Application:
    """One application."""
    return shown(await asyncio.to_thread(service.database.catalogue.get, Application, name))


@router.get("/v1/clusters/{name}")
async def get_cluster(name: EntryName, service: TheService) -> Cluster:
    """One cluster."""
    return shown(await asyncio.to_thread(service.database.catalogue.get, Cluster, name))


@router.get("/v1/gateways/{name}")
async def get_gateway(name: EntryName, service: TheService) -> Gateway:
    """One gateway."""
    return shown(await asyncio.to_thread(service.database.catalogue.get, Gateway, name))


@router.delete("/v1/applications/{name}", status_code=204)
async def delete_application(name: EntryName, service: TheService) -> None:
    """Forget an application that is placed nowhere."""
    await asyncio.to_thread(service.database.catalogue.delete, Application, name)


@router.delete("/v1/clusters/{name}", status_code=204)
async def delete_cluster(name: EntryName, service: TheService) -> None:
    """Forget a cluster on which nothing is placed."""
    await asyncio.to_thread(service.database.catalogue.delete, Cluster, name)


@router.delete("/v1/gateways/{name}", status_code=204)
async def delete_gateway(name: EntryName, service: TheService) -> None:
    """Forget a gateway that carries no route."""
    await asyncio.to_thread(service.database.catalogue.delete, Gateway, name)


@router.put("/v1/applications/{name}/placement")
async def place(name: EntryName, body: Place, service: TheService, caller: Caller) -> Placement:
    """Make the application's first placement; answers when it serves."""
    return await service.dispatch.place(name, body.cluster, Actor(who=caller))


@router.get("/v1/applications/{name}/placement")
async def placement(name: EntryName, service: TheService) -> Placements:
    """Where the application is, the instance that serves first."""
    await asyncio.to_thread(service.database.catalogue.get, Application, name)
    found = await asyncio.to_thread(service.database.placements.of, name)
    active = next((one.cluster for one in found if one.active), None)
    return Placements(application=name, active=active, instances=list(found))


@router.get("/v1/schemas/{kind}")
async def schema(kind: Annotated[str, Path(pattern="^[a-z]{1,32}$")]) -> dict[str, Any]:
    """The JSON schema of `application`, `cluster` or `gateway`, for YAML files and PUT alike."""
    found = configuration.KINDS.get(kind.capitalize())
    if found is None:
        raise NotFound(f"there are schemas of {', '.join(name.lower() for name in configuration.KINDS)}")
    return configuration.schema(found)
