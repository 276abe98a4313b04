# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of xDS: resource types, versions, and dictionaries turned into checked messages.

Resources are written as dictionaries in protobuf's JSON form, as Envoy's own documentation writes them; parsing them
finds every misspelt field here, long before a gateway does.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2
from envoy.extensions.access_loggers.file.v3 import file_pb2
from envoy.extensions.clusters.aggregate.v3 import cluster_pb2 as aggregate_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.retry.priority.previous_priorities.v3 import previous_priorities_config_pb2
from envoy.extensions.transport_sockets.tls.v3 import tls_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

_PREFIX = "type.googleapis.com/"
CDS = _PREFIX + "envoy.config.cluster.v3.Cluster"
EDS = _PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
LDS = _PREFIX + "envoy.config.listener.v3.Listener"
RDS = _PREFIX + "envoy.config.route.v3.RouteConfiguration"
TYPES = (CDS, EDS, LDS, RDS)
"""In the order in which a change is made before what depends on it (Envoy docs, xds_protocol: ADS)."""

SHORT = {CDS: "cluster", EDS: "endpoint", LDS: "listener", RDS: "route"}
"""What each type is called in messages for people."""

_MESSAGES = {
    CDS: cluster_pb2.Cluster,
    EDS: endpoint_pb2.ClusterLoadAssignment,
    LDS: listener_pb2.Listener,
    RDS: route_pb2.RouteConfiguration,
}

# Types that stand inside resources as `Any`: parsing needs them loaded.
_INSIDE = (
    aggregate_pb2,
    file_pb2,
    http_connection_manager_pb2,
    http_protocol_options_pb2,
    previous_hosts_pb2,
    previous_priorities_config_pb2,
    router_pb2,
    tls_inspector_pb2,
    tls_pb2,
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One named resource in one version."""

    type_url: str
    name: str
    version: str
    """`HASH`, or `ROUTEVERSION-HASH` for resources that a gateway must never take back to an older route version."""
    body: AnyMessage


def typed(name: str, **fields: Any) -> Json:
    """An `Any` of the extension `name` (without the `envoy.extensions.` in front) in JSON form."""
    return {"@type": f"{_PREFIX}envoy.extensions.{name}", **fields}


def resource(type_url: str, name: str, body: Mapping[str, Any], *, route_version: int | None = None) -> Resource:
    """Check `body` and give it its version.

    Raises:
        google.protobuf.json_format.ParseError: a field is unknown or has the wrong type.
    """
    return packed(type_url, name, ParseDict(dict(body), _MESSAGES[type_url]()), route_version=route_version)


def packed(type_url: str, name: str, message: Message, *, route_version: int | None = None) -> Resource:
    """Give a checked message its version."""
    body = AnyMessage()
    body.Pack(message, deterministic=True)
    digest = hashlib.sha256(body.value).hexdigest()[:12]
    version = digest if route_version is None else f"{route_version}-{digest}"
    return Resource(type_url, name, version, body)


def route_version(version: str) -> int:
    """The route's version that a resource version carries; 0 if it carries none."""
    number, dash, _ = version.partition("-")
    return int(number) if dash and number.isdecimal() else 0


def content(version: str) -> str:
    """What identifies a resource's content, whatever route version it came with."""
    return version.rpartition("-")[2]


def seconds(value: float) -> str:
    """A duration in protobuf's JSON form."""
    return f"{value:.3f}s"
