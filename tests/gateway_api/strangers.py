# SPDX-License-Identifier: Apache-2.0
"""A route that somebody else has made, with where it leads: an HTTPRoute, a Service, an EndpointSlice."""

from collections.abc import Mapping, Sequence
from typing import Any

from steering.gateway_api.names import ENDPOINT_SLICE, HTTP_ROUTE, SERVICE_NAME
from steering.kubernetes.api import Api
from steering.kubernetes.objects import Object
from steering.model import Endpoint

Json = dict[str, Any]
BACKEND = "{}-theirs"
"""Name of the Service that a route of this name leads to."""


def leading_to(namespace: str, name: str, ports: Mapping[str, Sequence[Endpoint]]) -> list[Json]:
    """A Service without a selector, and where it leads: one slice for each of its ports."""
    meta: Json = {"name": BACKEND.format(name), "namespace": namespace}
    numbers = [{"name": port, "port": 80 + place} for place, port in enumerate(ports)]
    if "grpc" in ports:
        numbers[list(ports).index("grpc")]["appProtocol"] = "kubernetes.io/h2c"
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": numbers}}
    slices = [
        {
            "apiVersion": ENDPOINT_SLICE.api_version,
            "kind": ENDPOINT_SLICE.name,
            "metadata": {**meta, "name": f"{meta['name']}-{port}", "labels": {SERVICE_NAME: meta["name"]}},
            "addressType": "IPv4",
            "ports": [{"name": port, "port": found[0].port}],
            "endpoints": [{"addresses": [one.host], "conditions": {"ready": True}} for one in found],
        }
        for port, found in ports.items()
    ]
    return [service, *slices]


def route(namespace: str, name: str, host: str, prefixes: Sequence[str], *, gateway: str, listener: str) -> Json:
    """An HTTPRoute with a rule for somebody else, and one for each prefix, which leads to the Service's ports in turn."""
    other = {
        "name": "other",
        "matches": [{"path": {"type": "Exact", "value": "/other"}}],
        "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "other.test", "statusCode": 302}}],
    }
    rules = [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
            "backendRefs": [{"name": BACKEND.format(name), "port": 80 + place}],
        }
        for place, prefix in enumerate(prefixes)
    ]
    return {
        "apiVersion": HTTP_ROUTE.api_version,
        "kind": HTTP_ROUTE.name,
        "metadata": {"name": name, "namespace": namespace, "annotations": {"note": "mind the gap"}},
        "spec": {
            "parentRefs": [{"name": gateway, "sectionName": listener}],
            "hostnames": [host],
            "rules": [other, *rules],
        },
    }


async def made(api: Api, *objects: Json) -> Object:
    """Create them, the last one as it stands then."""
    stored: Object = {}
    for one in objects:
        stored = await api.create(one)
    return stored


def without_history(found: Object) -> Json:
    """What its owner said of an object: not when it was written, by whom, nor how often."""
    kept = {
        key: value for key, value in found["metadata"].items() if key in ("name", "namespace", "labels", "annotations")
    }
    return {"metadata": kept, "spec": found["spec"]}
