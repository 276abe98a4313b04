# SPDX-License-Identifier: Apache-2.0
"""Which replicas a gateway has: declared, or those of its Service's EndpointSlices."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from steering.gateway_api import names
from steering.gateway_api.settings import GatewayApiSettings, Replica, Service
from steering.kubernetes.api import Api
from steering.model import Endpoint


async def replicas(api: Api, settings: GatewayApiSettings) -> Sequence[Replica]:
    """Every replica that is expected now.

    Raises:
        KubernetesError: they are to be found, and the API server cannot be asked.
    """
    if settings.replicas is None:
        return settings.instances
    service = settings.replicas
    namespace = service.namespace or settings.gateway.namespace or settings.namespace
    found = await api.list(names.ENDPOINT_SLICE, namespace, labels=f"{names.SERVICE_NAME}={service.name}")
    by_id = {one.id: one for slice_ in found.items for one in of_slice(slice_, service)}
    return [by_id[name] for name in sorted(by_id)]


def of_slice(found: Mapping[str, Any], service: Service) -> Iterator[Replica]:
    """The replicas that an EndpointSlice names, ready or not: one that is not ready may still serve those it has."""
    port = next((one["port"] for one in found.get("ports") or () if one.get("name") == service.port), None)
    for one in found.get("endpoints") or () if port else ():
        address = one["addresses"][0]
        target = one.get("targetRef") or {}
        admin = Endpoint(host=address, port=service.admin_port) if service.admin_port else None
        yield Replica(
            id=target.get("name") or address.replace(":", "-"), address=Endpoint(host=address, port=port), admin=admin
        )
