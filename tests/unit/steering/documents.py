# SPDX-License-Identifier: Apache-2.0
"""Documents and settings that the tests here write."""

from typing import Any

from steering.envoy.settings import GatewaySettings
from steering.model import Backend, Endpoint, Fence, Port, Protocol, RouteDocument

HTTP = Port(name="http", health="/healthz")
GRPC = Port(name="grpc", protocol=Protocol.GRPC, prefix="/demo.Echo/", health="", retry_safe=("/demo.Echo/Say",))
SETTINGS = GatewaySettings.model_validate(
    {
        "instances": [{"id": "edge-1", "address": {"host": "127.0.0.1", "port": 8441}}],
        "tls": {"cert_file": "cert.pem", "key_file": "key.pem"},
    }
)


def backend(name: str, *, host: str = "127.0.0.1", ports: tuple[Port, ...] = (HTTP,)) -> Backend:
    """A side with one endpoint per port."""
    endpoints = {port.name: (Endpoint(host=host, port=8000 + number),) for number, port in enumerate(ports)}
    return Backend(name=name, instance=f"{name}-1", endpoints=endpoints)


def document(weights: dict[str, int] | None = None, **changes: Any) -> RouteDocument:
    """A document of route `shop`, all on side a unless said otherwise."""
    shares = weights or {"a": 100}
    ports = changes.get("ports", (HTTP,))
    values: dict[str, Any] = {
        "route": "shop",
        "application": "shop",
        "hosts": ("shop.example",),
        "ports": ports,
        "backends": tuple(backend(name, ports=ports) for name in shares),
        "weights": shares,
        "epoch": "e1",
    }
    return RouteDocument(**values | changes)


def fence(sequence: int, lease: int = 1) -> Fence:
    """A fence of lease 1 unless said otherwise."""
    return Fence(lease=lease, sequence=sequence)
