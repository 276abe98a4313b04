# SPDX-License-Identifier: Apache-2.0
"""Traefik: its Prometheus metrics, with `addServicesLabels`.

It counts requests when they are done, by Service, and does not count what is open on a Service (3.7.15): whether
everybody has gone is unknown, always. A counter comes into being with the first request, and is dropped when the place of
its backend in the route changes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from steering.gateway_api.implementations.contract import Implementation, unknown
from steering.gateway_api.settings import Replica
from steering.model import InstanceUsage

_COUNTER = re.compile(r"^traefik_service_requests_total\{(?P<labels>[^}]*)\} (?P<value>\S+)", re.MULTILINE)
_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>[^"]*)"')
_FAILED = "5"
"""How the status of a request that failed begins."""


class Traefik(Implementation):
    """Its metrics' entry point is a replica's `admin` address."""

    counts_in_flight = False
    lacks: ClassVar[Mapping[str, str]] = {
        "GRPCRoute": "Traefik takes no ResponseHeaderModifier in a GRPCRoute, so no answer has an epoch, and answers every call "
        "with UNAVAILABLE while the status is Accepted (3.7.15): let it be an HTTPRoute, which carries gRPC too"
    }

    async def _count(self, replica: Replica, base: str, namespace: str, services: Sequence[str]) -> InstanceUsage:
        answer = await self._client.get(f"{base}/metrics")
        answer.raise_for_status()
        return counted(replica, answer.text, namespace, services)


def counted(replica: Replica, metrics: str, namespace: str, services: Sequence[str]) -> InstanceUsage:
    """What its metrics say of these Services together. Pure."""
    samples = [
        ({one["name"]: one["value"] for one in _LABEL.finditer(found["labels"])}, int(float(found["value"])))
        for found in _COUNTER.finditer(metrics)
    ]
    if not samples:
        return unknown(
            replica, "it counts no service: it has served nothing yet, or metrics.prometheus.addServicesLabels is off"
        )
    ours = re.compile(rf"-svc-{re.escape(namespace)}-(?:{'|'.join(map(re.escape, services))})-\d+@kubernetesgateway")
    found = [(labels, value) for labels, value in samples if ours.search(labels.get("service", ""))]
    return InstanceUsage(
        instance=replica.id,
        in_flight=None,
        requests_total=sum(value for _, value in found),
        errors_total=sum(value for labels, value in found if labels.get("code", "").startswith(_FAILED)),
        reason="Traefik does not count what is open on a Service",
    )
