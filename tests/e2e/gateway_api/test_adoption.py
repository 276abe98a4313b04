# SPDX-License-Identifier: Apache-2.0
"""A route that somebody else has made becomes ours under traffic, and theirs again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.errors import Conflict, Fenced, Rejected
from steering.gateway_api.names import ENDPOINT_SLICE, HTTP_ROUTE, SERVICE
from steering.kubernetes.api import JSON_PATCH, Api
from steering.model import ProbePath, RouteDocument, Version
from tests.envoy.rig import DOMAIN, Fences, of, told
from tests.gateway_api.asking import acknowledged, document, get, instances
from tests.gateway_api.site import LISTENER, REPLICAS, Site
from tests.gateway_api.strangers import BACKEND, leading_to, made, route as theirs, without_history

TOKEN = "t" * 24
AT_ONCE = 4

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def claiming(site: Site, route: str) -> RouteDocument:
    """What is claimed: everything on a, with a probe path to it."""
    path = ProbePath.model_validate({"backend": "a", "token": TOKEN, "expires_at": "2099-01-01T00:00:00Z"})
    return document(site, route, "e1", {"a": 100}, probe_paths=(path,))


async def test_it_is_taken_over_and_given_back_and_no_request_is_lost(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """Each form is live at every replica before the next is written; in the end it is as its owner made it."""
    fence = Fences()
    before = without_history(await _made(other, site, route))
    async with _users(site, route) as statuses:
        version = await adapter.claim(claiming, fence=fence())
        await acknowledged(adapter, route, version)
        for replica in REPLICAS:
            assert told(await get(site, route, replica)) == (200, "liar", "liar")
            probed = await get(site, route, replica, **{"x-relocate-probe": TOKEN})
            assert told(probed) == (200, "a", "e1")
        version = await adapter.apply(document(site, route, "e2", {"a": 100}), fence=fence(), base=version)
        await acknowledged(adapter, route, version)
        for replica in REPLICAS:
            assert told(await get(site, route, replica)) == (200, "a", "e2")
            assert (await get(site, route, replica, path="/other")).status_code == 302
        assert set(statuses) == {200}, statuses
        version = await adapter.claim(document(site, route, "e3", {"a": 100}), fence=fence())
        await acknowledged(adapter, route, version)
        await adapter.release(route, fence=fence())
        await asyncio.sleep(3)  # users go on for longer than Traefik's throttle
    assert without_history(await other.get(HTTP_ROUTE, site.name, route)) == before
    assert await instances(other, site, route) == set()
    assert await adapter.read(route) is None
    assert set(statuses) == {200}, statuses


async def test_it_is_looked_at_without_a_write(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """What would change is told, and nothing does."""
    before = await _made(other, site, route)
    found = await adapter.adoptable(claiming)
    assert found is not None
    assert (found.name, found.problems) == (f"HTTPRoute {site.name}/{route}", ())
    assert f"rules[1] (/): Service {BACKEND.format(route)} gives way to a-1 on a" in found.changes
    after = await other.get(HTTP_ROUTE, site.name, route)
    assert (after["metadata"].get("annotations"), after["spec"]) == (
        before["metadata"].get("annotations"),
        before["spec"],
    )
    assert await instances(other, site, route) == set()


async def test_what_argo_keeps_is_refused_before_anything_is_written(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """When the mark comes after the adoption, it is told."""
    await _made(other, site, route)
    mark = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}}
    marked = await other.patch(HTTP_ROUTE, site.name, route, mark)
    with pytest.raises(Rejected, match="Argo CD application shop keeps it"):
        await adapter.claim(claiming, fence=Fences()())
    assert (await other.get(HTTP_ROUTE, site.name, route))["metadata"]["generation"] == marked["metadata"]["generation"]
    await other.patch(
        HTTP_ROUTE, site.name, route, {"metadata": {"annotations": {next(iter(mark["metadata"]["annotations"])): None}}}
    )
    await adapter.claim(claiming, fence=Fences()())
    await other.patch(HTTP_ROUTE, site.name, route, mark)
    state = await adapter.read(route)
    assert state is not None
    assert state.kept_by == "Argo CD application shop"


async def test_an_older_order_finds_the_door_shut(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """A repeat is fine, an older fence is not, and what is not claimed is not released."""
    fence = Fences()
    await _made(other, site, route)
    old, first = fence(), fence()
    version = await adapter.claim(claiming, fence=first)
    assert await adapter.claim(claiming, fence=first) == version
    with pytest.raises(Fenced):
        await adapter.claim(document(site, route, "e0", {"a": 100}), fence=old)
    with pytest.raises(Fenced):
        await adapter.release(route, fence=old)
    await adapter.apply(document(site, route, "e2", {"a": 100}), fence=fence(), base=version)
    with pytest.raises(Rejected, match="is not claimed"):
        await adapter.release(route, fence=fence())


async def test_it_is_not_given_back_to_what_serves_nobody(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """The Service to which it belonged has lost its endpoints: users stay on ours."""
    fence = Fences()
    await _taken_over(other, site, adapter, claiming, fence)
    backend = BACKEND.format(route)
    await other.delete(ENDPOINT_SLICE, site.name, f"{backend}-http")
    with pytest.raises(Rejected, match=f"Service {backend}, to which the route belonged, leads nowhere any more"):
        await adapter.claim(document(site, route, "e3", {"a": 100}), fence=fence())
    await other.delete(SERVICE, site.name, backend)


async def test_who_takes_his_service_away_takes_nobody_away_from_ours(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """It waited in the route without weight; the next write is without it."""
    fence = Fences()
    version = await _taken_over(other, site, adapter, claiming, fence)
    await acknowledged(adapter, route, version)
    async with _users(site, route) as statuses:
        await other.delete(SERVICE, site.name, BACKEND.format(route))
        await other.delete(ENDPOINT_SLICE, site.name, f"{BACKEND.format(route)}-http")
        await asyncio.sleep(3)  # longer than Traefik's throttle
        version = await adapter.apply(document(site, route, "e3", {"a": 100}), fence=fence(), base=version)
        await acknowledged(adapter, route, version)
        await asyncio.sleep(1)
    assert set(statuses) == {200}, statuses
    assert BACKEND.format(route) not in str((await other.get(HTTP_ROUTE, site.name, route))["spec"])


async def test_somebody_elses_change_of_an_adopted_route_is_told(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str, claiming: RouteDocument
) -> None:
    """It is not given back over what nobody has seen."""
    fence = Fences()
    await _made(other, site, route)
    await adapter.claim(claiming, fence=fence())
    weight = [{"op": "replace", "path": "/spec/rules/1/backendRefs/1/weight", "value": 5}]
    await other.patch(HTTP_ROUTE, site.name, route, weight, JSON_PATCH)
    with pytest.raises(Conflict, match="was changed by somebody-else"):
        await adapter.claim(document(site, route, "e2", {"a": 100}), fence=fence())


async def test_a_route_that_we_made_is_not_given_back(site: Site, adapter: GatewayApiAdapter, route: str) -> None:
    """It never was anybody else's."""
    fence = Fences()
    await adapter.apply(document(site, route, "e1", {"a": 100}), fence=fence(), base=None)
    assert await adapter.adoptable(document(site, route, "e1", {"a": 100})) is None
    with pytest.raises(Rejected, match="was not adopted"):
        await adapter.claim(document(site, route, "e2", {"a": 100}), fence=fence())


async def _made(other: Api, site: Site, name: str) -> dict[str, object]:
    """Somebody else's route to a, live at every replica."""
    ports = site.backend("a").endpoints
    objects = leading_to(site.name, name, {"http": ports["http"]})
    stored = await made(
        other, *objects, theirs(site.name, name, f"{name}.{DOMAIN}", ["/"], gateway="edge", listener=LISTENER)
    )
    async with asyncio.timeout(30):
        for replica in REPLICAS:
            while not await _serves(site, name, replica):  # noqa: ASYNC110 - a gateway tells nobody
                await asyncio.sleep(0.1)
    return dict(stored)


async def _taken_over(
    other: Api, site: Site, adapter: GatewayApiAdapter, claiming: RouteDocument, fence: Fences
) -> Version:
    """Somebody else's route whose requests are ours now; the version of that write."""
    await _made(other, site, claiming.route)
    version = await adapter.claim(claiming, fence=fence())
    return await adapter.apply(document(site, claiming.route, "e2", {"a": 100}), fence=fence(), base=version)


async def _serves(site: Site, name: str, replica: str) -> bool:
    """Contour's Envoys listen once there is a route."""
    try:
        return (await get(site, name, replica)).is_success
    except httpx.ConnectError:
        return False


@asynccontextmanager
async def _users(site: Site, name: str) -> AsyncIterator[Counter[int | str]]:
    """Users of both replicas while the block runs, on connections that stay open; how often they got what."""
    statuses: Counter[int | str] = Counter()
    going = True

    async def user(replica: str) -> None:
        async with httpx.AsyncClient(verify=site.trust, timeout=5.0, trust_env=False) as client:
            while going:
                try:
                    answer = await client.get(f"https://{site.addresses[replica]}:{site.port}/", **of(name))
                    statuses[answer.status_code] += 1
                except httpx.HTTPError as error:
                    statuses[repr(error)] += 1
                await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        for replica in REPLICAS * AT_ONCE:
            group.create_task(user(replica))
        try:
            yield statuses
        finally:
            going = False
