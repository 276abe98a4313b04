# SPDX-License-Identifier: Apache-2.0
"""Services and EndpointSlices: there before they are needed, and gone when they are not."""

import asyncio
import time

import pytest

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.errors import Fenced
from steering.gateway_api.names import HTTP_ROUTE, SERVICE
from steering.kubernetes.api import Api
from steering.model import Backend, Endpoint, RouteDocument
from tests.envoy.rig import Fences, told
from tests.gateway_api.asking import SETTLE_SECONDS, acknowledged, addresses, document, get, instances
from tests.gateway_api.site import Site

pytestmark = pytest.mark.timeout(120)


async def test_services_go_one_write_after_they_were_forgotten(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """A replica that is behind may still use them; what is needed again is made again."""
    fence, version = Fences(), None
    seen = []
    for number, sides in enumerate(["ab", "b", "b", "ab"]):
        weights = dict.fromkeys(sides, 0) | {"b": 100}
        version = await adapter.apply(document(site, route, f"e{number}", weights), fence=fence(), base=version)
        seen.append(await instances(other, site, route))
    assert seen == [{"a-1", "b-1"}, {"a-1", "b-1"}, {"b-1"}, {"a-1", "b-1"}]
    await acknowledged(adapter, route, version or "")


async def test_everything_goes_with_the_route(site: Site, adapter: GatewayApiAdapter, other: Api, route: str) -> None:
    """Services and EndpointSlices belong to the HTTPRoute: nobody else need clean up."""
    await adapter.apply(document(site, route, "e1", {"a": 100}), fence=Fences()(), base=None)
    await other.delete(HTTP_ROUTE, site.name, route)
    deadline = time.monotonic() + SETTLE_SECONDS
    while await instances(other, site, route):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert await adapter.read(route) is None


async def test_a_route_that_was_deleted_can_be_written_again_at_once(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """The cluster is still removing what the earlier route of that name had owned, and may not take what is new."""
    for _ in range(3):
        version = await adapter.apply(document(site, route, "e1", {"a": 100}), fence=Fences()(), base=None)
        await other.delete(HTTP_ROUTE, site.name, route)
    version = await adapter.apply(document(site, route, "e2", {"a": 100}), fence=Fences()(), base=None)
    await acknowledged(adapter, route, version)
    await asyncio.sleep(3.0)
    assert await instances(other, site, route) == {"a-1"}
    assert told(await get(site, route)) == (200, "a", "e2")


async def test_a_late_writer_takes_nothing_from_a_newer_one(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """It froze before it removed what its document had forgotten; meanwhile that came to be needed again."""
    fence = Fences()
    first = await adapter.apply(document(site, route, "e1", {"a": 0, "b": 100}), fence=fence(), base=None)
    second = await adapter.apply(document(site, route, "e2", {"b": 100}), fence=fence(), base=first)
    late = adapter._routes._services
    found = await late._services(f"steering.edge/route={route}")
    third = await adapter.apply(_with_c(site, document(site, route, "e3", {"b": 100})), fence=fence(), base=second)
    assert await instances(other, site, route) == {"b-1", "c-1"}
    await adapter.apply(document(site, route, "e4", {"a": 0, "b": 100}), fence=fence(), base=third)
    # All that it knows of A is how A's Service looked before.
    await late.tidy(route, found, [document(site, route, "e2", {"b": 100})])
    assert "a-1" in await instances(other, site, route)
    with pytest.raises(Fenced):
        await adapter.apply(document(site, route, "e2", {"b": 100}), fence=Fences()(), base=first)


async def test_a_deleted_service_comes_back_with_the_next_write(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """Whoever took it away; until then its share fails, and the replicas' controller says which is missing.

    That it is back reaches Contour's Envoys on another stream than the new route does, so that it may take a moment longer.
    """
    fence = Fences()
    version = await adapter.apply(document(site, route, "e1", {"a": 100}), fence=fence(), base=None)
    await acknowledged(adapter, route, version)
    for one in (await other.list(SERVICE, site.name, labels=f"steering.edge/route={route}")).items:
        await other.delete(SERVICE, site.name, one["metadata"]["name"])
    version = await adapter.apply(document(site, route, "e2", {"a": 100}), fence=fence(), base=version)
    await acknowledged(adapter, route, version)
    deadline = time.monotonic() + SETTLE_SECONDS
    while (answer := told(await get(site, route))) != (200, "a", "e2"):
        assert answer == (503, "a", "e2")
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_moved_endpoints_outlive_the_instance_that_was_documented(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """A document that names them as before does not undo the move; one that names others does."""
    fence = Fences()
    version = await adapter.apply(document(site, route, "e1", {"a": 100}), fence=fence(), base=None)
    moved = {"http": (Endpoint(host="198.18.0.77", port=7777), Endpoint(host="2001:db8::7", port=7777))}
    assert await adapter.follow("a-1", moved)
    assert await addresses(other, site, route) == {("198.18.0.77", 7777), ("2001:db8::7", 7777)}
    version = await adapter.apply(document(site, route, "e2", {"a": 100}), fence=fence(), base=version)
    assert await addresses(other, site, route) == {("198.18.0.77", 7777), ("2001:db8::7", 7777)}
    fresh = Backend(name="a", instance="a-1", endpoints={"http": (Endpoint(host="198.18.0.78", port=7778),)})
    await adapter.apply(document(site, route, "e3", {"a": 100}, backends=(fresh,)), fence=fence(), base=version)
    assert await addresses(other, site, route) == {("198.18.0.78", 7778)}


def _with_c(site: Site, found: RouteDocument) -> RouteDocument:
    """The document with one more side, without weight."""
    c = site.backend("a").model_copy(update={"name": "c", "instance": "c-1"})
    return found.model_copy(update={"backends": (*found.backends, c), "weights": {**found.weights, "c": 0}})
