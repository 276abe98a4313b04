# SPDX-License-Identifier: Apache-2.0
"""What users and replicas get: every port by the same write, and each replica asked by itself."""

import asyncio
import signal
import time
from collections.abc import Mapping, Sequence

import pytest

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.errors import Unavailable
from steering.gateway_api import names
from steering.gateway_api.names import ENDPOINT_SLICE, HTTP_ROUTE, SERVICE_NAME
from steering.kubernetes.api import Api
from steering.kubernetes.objects import Object
from steering.model import Acknowledgement, Endpoint
from tests.drills.waiting import eventually
from tests.envoy.rig import HTTP, Fences, told
from tests.gateway_api.asking import (
    GRPC,
    SETTLE_SECONDS,
    acknowledged,
    ask_grpc,
    document,
    get,
    watched,
)
from tests.gateway_api.site import REPLICAS, Site

pytestmark = pytest.mark.timeout(120)


async def test_grpc_is_steered_by_the_same_write(site: Site, adapter: GatewayApiAdapter, route: str) -> None:
    """A gRPC port is a rule of the same HTTPRoute; its instances speak HTTP/2 without TLS."""
    fence = Fences()
    version = None
    for epoch, side in (("e1", "a"), ("e2", "b")):
        weights = {"a": 100, "b": 0} if side == "a" else {"a": 0, "b": 100}
        version = await adapter.apply(
            document(site, route, epoch, weights, ports=(HTTP, GRPC)), fence=fence(), base=version
        )
        await acknowledged(adapter, route, version)
        for replica in REPLICAS:
            assert await ask_grpc(site, route, replica, side) == (epoch, side)
            assert told(await get(site, route, replica)) == (200, side, epoch)


async def test_a_route_of_grpc_alone_is_acknowledged(site: Site, adapter: GatewayApiAdapter, route: str) -> None:
    """Replicas are asked by HTTP/2 then."""
    only = document(site, route, "e1", {"a": 100}, ports=(GRPC.model_copy(update={"prefix": "/"}),))
    version = await adapter.apply(only, fence=Fences()(), base=None)
    await acknowledged(adapter, route, version)


async def test_a_cut_replica_is_named_while_status_says_fine(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """It is cut from where its configuration comes from: the switch waits, names it, and says by what it still answers."""
    fence = Fences()
    first = await adapter.apply(document(site, route, "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    await acknowledged(adapter, route, first)
    with site.cut("edge-2"):
        second = await adapter.apply(document(site, route, "e2", {"a": 0, "b": 100}), fence=fence(), base=first)
        await acknowledged(adapter, route, second, lambda all_of_them: all_of_them[0].state is Acknowledgement.APPLIED)
        await _controller_agrees(other, site, route)
        stale = f"it still answers at version {first}"
        answers = await acknowledged(adapter, route, second, lambda told: told[1].reason == stale)
        assert [one.state for one in answers] == [Acknowledgement.APPLIED, Acknowledgement.PENDING]
        assert told(await get(site, route, "edge-2"))[1:] == ("a", "e1")
    await acknowledged(adapter, route, second)


async def test_a_replica_that_does_not_know_where_a_side_listens_has_not_applied_the_route(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """At Contour that may come later than the route, and would be answered 503; Traefik takes both as one."""
    fence = Fences()
    written = document(site, route, "e1", {"a": 100, "b": 0})
    version = await adapter.apply(written, fence=fence(), base=None)
    service = names.service(route, "b-1", "http")
    await _without_endpoints(other, site, service)
    if site.implementation == "contour":
        why = f"it has not heard yet where {service} listens"

        async def nobody_knows() -> bool:
            # Asked past the adapter, which takes what a replica has once heard for known.
            told = [
                await adapter._implementation.unheard(one, site.name, [service]) for one in await adapter._replicas()
            ]
            return all(told)

        await eventually(nobody_knows, "forgotten", SETTLE_SECONDS)
        await acknowledged(adapter, route, version, lambda told: all(one.reason == why for one in told))
        await adapter.follow("b-1", written.backends[1].endpoints)
    await acknowledged(adapter, route, version)


async def _without_endpoints(other: Api, site: Site, service: str) -> None:
    found = await other.list(ENDPOINT_SLICE, site.name, labels=f"{SERVICE_NAME}={service}")
    assert found.items
    for one in found.items:
        await other.delete(ENDPOINT_SLICE, site.name, one["metadata"]["name"])


async def test_an_application_that_hangs_keeps_no_write_from_being_seen(
    site: Site, adapter: GatewayApiAdapter, route: str
) -> None:
    """Gateways tell the epoch by themselves: whoever hangs can still be moved away from."""
    fence = Fences()
    version = await adapter.apply(document(site, route, "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    await acknowledged(adapter, route, version)
    site.processes["a"].send_signal(signal.SIGSTOP)
    try:
        for epoch, weights in (("e2", {"a": 100, "b": 0}), ("e3", {"a": 0, "b": 100})):
            version = await adapter.apply(document(site, route, epoch, weights), fence=fence(), base=version)
            await acknowledged(adapter, route, version)
    finally:
        site.processes["a"].send_signal(signal.SIGCONT)
    assert told(await get(site, route)) == (200, "b", "e3")


async def test_a_dead_replica_is_told_from_a_silent_one(site: Site, adapter: GatewayApiAdapter, route: str) -> None:
    """It refuses connections, k times running; the other one has applied the version all the same."""
    version = await adapter.apply(document(site, route, "e1", {"a": 100}), fence=Fences()(), base=None)
    await acknowledged(adapter, route, version)
    site.end("edge-2")
    try:
        states = {one.instance: one.state for one in await adapter.acknowledged(route, version)}
        assert states == {"edge-1": Acknowledgement.APPLIED, "edge-2": Acknowledgement.DEAD}
    finally:
        site.restart_replica("edge-2")
    await acknowledged(adapter, route, version)


async def test_replicas_are_found_by_the_gateways_service(site: Site, other: Api, route: str) -> None:
    """Without a declaration; a Service without endpoints is no gateway."""
    await other.create(_slice(site, f"{route}-1", {SERVICE_NAME: route}, [site.addresses["edge-1"]]))
    settings = {key: value for key, value in site.settings.items() if key != "instances"}
    service = {"name": route, "namespace": site.name, "admin_port": site.admin("edge-1")[1]}
    found = GatewayApiAdapter.open("found", {**settings, "replicas": service}, database_url="")
    try:
        version = await found.apply(document(site, route, "e1", {"a": 100}), fence=Fences()(), base=None)
        (only,) = await acknowledged(found, route, version)
        (point,) = await found.probe_points(route)
        (counted,) = await found.usage(route, "a")
        assert only.instance == point.instance == counted.instance == site.addresses["edge-1"]
        assert point.endpoint == Endpoint(host=site.addresses["edge-1"], port=site.port)
        assert counted.requests_total is not None
        await other.delete(ENDPOINT_SLICE, site.name, f"{route}-1")
        with pytest.raises(Unavailable, match="has no replica"):
            await found.probe_points(route)
    finally:
        await found.close()


async def _controller_agrees(other: Api, site: Site, route: str) -> None:
    """The controller has looked at the present generation, and finds nothing wrong with it."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = await other.get(HTTP_ROUTE, site.name, route)
        (parent,) = found["status"]["parents"]
        seen = {one["observedGeneration"] for one in parent["conditions"]}
        if seen == {found["metadata"]["generation"]} and {one["status"] for one in parent["conditions"]} == {"True"}:
            return
        assert time.monotonic() < deadline, parent
        await asyncio.sleep(0.05)


def _slice(site: Site, name: str, labels: Mapping[str, str], addresses: Sequence[str]) -> Object:
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.name,
        "metadata": {"name": name, "namespace": site.name, "labels": dict(labels)},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": site.port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [one], "conditions": {"ready": True}} for one in addresses],
    }


async def test_requests_end_in_time_and_streams_do_not(site: Site, adapter: GatewayApiAdapter, route: str) -> None:
    """Where an implementation has time-outs of rules (Traefik 3.7 takes them and has none); an epoch comes with them too."""
    wanted = document(site, route, "e1", {"a": 100}, ports=(HTTP, GRPC), timeout_seconds=1.0)
    version = await adapter.apply(wanted, fence=Fences()(), base=None)
    await acknowledged(adapter, route, version)
    slow, events = await asyncio.gather(
        get(site, route, path="/slow?seconds=2"),
        get(site, route, path="/slow?seconds=2", accept="text/event-stream"),
    )
    assert told(slow) == ((504 if site.implementation == "contour" else 200), "a", "e1")
    assert told(events) == (200, "a", "e1")
    assert await watched(site, route, seconds=2.0), "a gRPC stream stays"


@pytest.mark.parametrize("weights", [{"a": 100, "b": 0}, {"a": 50, "b": 50}], ids=["whole", "shared"])
async def test_a_rule_names_the_side_where_backends_cannot(site: Site, route: str, weights: dict[str, int]) -> None:
    """While one side has all the weight; in between nobody is named, and an application cannot name itself."""
    on_rule = GatewayApiAdapter.open("edge", {**site.settings, "side": "rule"}, database_url="")
    name = f"{route}-{weights['a']}"
    try:
        version = await on_rule.apply(document(site, name, "e1", weights), fence=Fences()(), base=None)
        await acknowledged(on_rule, name, version)
    finally:
        await on_rule.close()
    answers = [told(await get(site, name)) for _ in range(8)]
    assert set(answers) == {(200, "a" if weights["a"] == 100 else None, "e1")}
