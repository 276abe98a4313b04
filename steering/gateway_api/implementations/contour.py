# SPDX-License-Identifier: Apache-2.0
"""Contour: the statistics of each of its Envoys, at the stats listener that Contour gives them (port 8002 by default).

Contour names an Envoy cluster's statistics after the Service: NAMESPACE_NAME_PORT (1.33). An Envoy hears of routes, of clusters and
of endpoints on a stream each, so that it may answer by a new route while it does not know yet where that leads.
"""

import re
from collections.abc import Mapping, Sequence

from steering.gateway_api.implementations.contract import Implementation, unknown
from steering.gateway_api.rendering import SERVICE_PORT
from steering.gateway_api.settings import Replica
from steering.model import InstanceUsage

_OPEN = ("upstream_rq_active", "upstream_rq_pending_active")
"""Requests and streams under way, WebSockets included, and those that wait for a connection (reference: envoy.md, 6)."""
_SENT = "upstream_rq_total"
_ENDPOINTS = "membership_total"
_FAILED = ("upstream_rq_5xx", "upstream_rq_pending_failure_eject", "upstream_rq_rx_reset")
"""They come into being with the first of their kind."""


class Contour(Implementation):
    """Each Envoy's stats listener is a replica's `admin` address."""

    counts_in_flight = True

    async def unheard(self, replica: Replica, namespace: str, services: Sequence[str]) -> Sequence[str]:
        """Those whose cluster has no endpoint."""
        if replica.admin is None:
            return ()
        values = await self._statistics(f"http://{replica.admin}", pattern(namespace, services, (_ENDPOINTS,)))
        return without_endpoints(values, namespace, services)

    async def _count(self, replica: Replica, base: str, namespace: str, services: Sequence[str]) -> InstanceUsage:
        return counted(replica, await self._statistics(base, pattern(namespace, services)), namespace, services)

    async def _statistics(self, base: str, which: str) -> Mapping[str, int]:
        answer = await self._client.get(f"{base}/stats", params={"format": "json", "filter": which})
        answer.raise_for_status()
        return {one["name"]: int(one["value"]) for one in answer.json().get("stats", []) if "value" in one}


def pattern(namespace: str, services: Sequence[str], which: Sequence[str] = (*_OPEN, _SENT, *_FAILED)) -> str:
    """The `filter` (RE2) of these statistics of these Services."""
    clusters = "|".join(re.escape(cluster(namespace, one)) for one in services)
    return rf"^cluster\.({clusters})\.({'|'.join(which)})$"


def cluster(namespace: str, service: str) -> str:
    """What the statistics of a Service of ours are called."""
    return f"{namespace}_{service}_{SERVICE_PORT}"


def without_endpoints(values: Mapping[str, int], namespace: str, services: Sequence[str]) -> Sequence[str]:
    """The Services that the statistics know no endpoint of, or do not know at all. Pure."""
    return [one for one in services if not values.get(f"cluster.{cluster(namespace, one)}.{_ENDPOINTS}")]


def counted(replica: Replica, values: Mapping[str, int], namespace: str, services: Sequence[str]) -> InstanceUsage:
    """What the statistics say of these Services together. Pure.

    A cluster that an Envoy knows has its gauges: one without them is not known here, and that is not zero.
    """
    open_now = sent = failed = 0
    for service in services:
        name = f"cluster.{cluster(namespace, service)}"
        if any(f"{name}.{one}" not in values for one in (*_OPEN, _SENT)):
            return unknown(replica, f"its Envoy does not know Service {namespace}/{service}")
        open_now += sum(values[f"{name}.{one}"] for one in _OPEN)
        sent += values[f"{name}.{_SENT}"]
        failed += sum(values.get(f"{name}.{one}", 0) for one in _FAILED)
    return InstanceUsage(instance=replica.id, in_flight=open_now, requests_total=sent, errors_total=failed)
