# SPDX-License-Identifier: Apache-2.0
"""The real documents of routes, each made once: the same few are written in every execution."""

from datetime import datetime
from typing import NamedTuple

from relocate.model.application import Route
from relocate.phases import documents
from relocate.phases.documents import Sides
from steering.model import Backend, RouteDocument
from tests.modelcheck.remembered import Same, remembered

APP = "app"
"""The application's name, and its one route's."""


class _Write(NamedTuple):
    """All that a document follows from."""

    route: Same[Route]
    epoch: str
    backends: tuple[Same[Backend], ...]
    weights: tuple[tuple[str, int], ...]
    failover: bool
    tokens: tuple[tuple[str, str], ...]
    expiry: datetime | None


def document(route: Route, sides: Sides, epoch: str) -> RouteDocument:
    """The document of one write."""
    backends = tuple(Same(backend) for backend in sides.backends)
    weights, tokens = tuple(sides.weights.items()), tuple(sides.probe_tokens.items())
    return _document(_Write(Same(route), epoch, backends, weights, sides.failover, tokens, sides.probe_expiry))


@remembered
def _document(write: _Write) -> RouteDocument:
    sides = Sides(
        backends=tuple(backend.value for backend in write.backends),
        weights=dict(write.weights),
        failover=write.failover,
        probe_tokens=dict(write.tokens),
        probe_expiry=write.expiry,
    )
    return documents.document(APP, write.route.value, sides, write.epoch)
