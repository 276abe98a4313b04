# SPDX-License-Identifier: Apache-2.0
"""Names of clusters: they carry the route, the port and the side, in Envoy's statistics too.

Routes, ports and backends are DNS labels, so `/` and `>` cannot stand in them.
"""


def side(route: str, port: str, backend: str) -> str:
    """The cluster whose counters are the side's."""
    return f"{route}/{port}/{backend}"


def probe(route: str, port: str, backend: str) -> str:
    """The same endpoints for probes, so that they never move the side's counters."""
    return f"{side(route, port, backend)}/probe"


def failover(route: str, port: str, order: tuple[str, ...]) -> str:
    """The aggregate that falls back in this order; the order is part of the name, so its content never changes."""
    return f"{route}/{port}/{'>'.join(order)}"


def route_of(cluster: str) -> str:
    """The route that a cluster belongs to."""
    return cluster.partition("/")[0]
