# SPDX-License-Identifier: Apache-2.0
"""Documents, settings and objects that the tests here begin with."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from steering.gateway_api.record import Record
from steering.gateway_api.rendering import new, rules, written
from steering.gateway_api.settings import GatewayApiSettings
from steering.model import ProbePath, RouteDocument
from tests.unit.steering.documents import backend, document as any_document, fence

Json = dict[str, Any]

SETTINGS = GatewayApiSettings.model_validate(
    {
        "connection": {"kind": "in_cluster"},
        "namespace": "apps",
        "gateway": {"name": "edge", "namespace": "infra"},
        "instances": [{"id": "edge-1", "address": {"host": "192.0.2.1", "port": 443}}],
    }
)
TOKEN = "t" * 20


def settings(**changes: Any) -> GatewayApiSettings:
    """The settings, changed."""
    return GatewayApiSettings.model_validate(SETTINGS.model_dump() | changes)


def document(weights: dict[str, int] | None = None, **changes: Any) -> RouteDocument:
    """A document of route `shop` whose endpoints an EndpointSlice may hold."""
    shares = weights or {"a": 100, "b": 0}
    ports = changes.get("ports") or any_document().ports
    sides = tuple(backend(name, host="192.0.2.9", ports=ports) for name in shares)
    return any_document(shares, **{"backends": sides} | changes)


def probe_path(side: str = "b") -> ProbePath:
    """A probe path to a side."""
    return ProbePath(backend=side, token=TOKEN, expires_at=datetime(2026, 1, 1, tzinfo=UTC))


def stored(doc: RouteDocument, *, version: int = 1, **changes: Any) -> Json:
    """The HTTPRoute that the API server has after the first write of a document."""
    record = Record.first("edge", version, fence(1), doc)
    found = record.put(written(new(doc, SETTINGS), doc, rules(doc, SETTINGS), SETTINGS))
    found["metadata"] |= {"uid": "u-1", "resourceVersion": "7", "generation": 1}
    return deepcopy(found) | changes
