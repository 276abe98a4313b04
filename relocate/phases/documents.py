# SPDX-License-Identifier: Apache-2.0
"""Which route document belongs to which moment of a relocation. Documents are whole, so each follows from its inputs."""

from collections.abc import Collection, Mapping
from datetime import datetime

from pydantic import Field

from relocate.model.application import Route
from relocate.model.values import Payload
from steering.model import Backend, Capabilities, Fence, ProbePath, RouteDocument


class Sides(Payload):
    """What one write says of an application's backends; the same for all of its routes."""

    backends: tuple[Backend, ...]
    weights: dict[str, int]
    failover: bool = False
    probe_tokens: dict[str, str] = Field(default_factory=dict)
    """Probe token by backend name; a backend without one has no probe path."""
    probe_expiry: datetime | None = None


def within(sides: Sides, capable: Capabilities) -> Sides:
    """What a gateway can do of it: fail-over is a help, not a condition, so it is not asked of one that has none."""
    return sides.model_copy(update={"failover": sides.failover and capable.failover})


def epoch_of(relocation: str, fence: Fence) -> str:
    """The epoch of the write that a relocation makes under `fence`: unique, and the same when the write is repeated."""
    return f"{relocation}.{fence.lease}.{fence.sequence}"


def document(application: str, route: Route, sides: Sides, epoch: str) -> RouteDocument:
    """The document of one route for one write."""
    paths = [
        ProbePath(backend=name, token=token, expires_at=sides.probe_expiry)
        for name, token in sorted(sides.probe_tokens.items())
        if sides.probe_expiry is not None
    ]
    ports = {port.name for port in route.ports}
    return RouteDocument(
        route=route.name,
        application=application,
        hosts=route.hosts,
        ports=route.ports,
        backends=tuple(_with_ports(backend, ports) for backend in sides.backends),
        weights=sides.weights,
        failover=sides.failover,
        probe_paths=tuple(paths),
        epoch=epoch,
        timeout_seconds=route.timeout_seconds,
        try_seconds=route.try_seconds,
    )


def _with_ports(backend: Backend, ports: Collection[str]) -> Backend:
    """The backend with the endpoints that a route has ports for."""
    kept = {name: endpoints for name, endpoints in backend.endpoints.items() if name in ports}
    return backend.model_copy(update={"endpoints": kept})


def only(backend: Backend) -> Sides:
    """Everything goes to one backend, and nothing else is known: before a relocation, and after it."""
    return Sides(backends=(backend,), weights={backend.name: 100})


def between(
    source: Backend,
    target: Backend,
    target_weight: int,
    *,
    tokens: Mapping[str, str],
    expiry: datetime,
    failover: bool,
) -> Sides:
    """Both sides are known to the gateways; `target_weight` percent go to the target."""
    return Sides(
        backends=(source, target),
        weights={source.name: 100 - target_weight, target.name: target_weight},
        failover=failover,
        probe_tokens=dict(tokens),
        probe_expiry=expiry,
    )


def keeping(sides: Sides, found: RouteDocument) -> Sides:
    """The same sides with the weights that stand on a route, whatever was ordered last.

    Raises:
        ValueError: another side has weight there, which can only be taken from it.
    """
    strangers = [name for name, weight in sorted(found.weights.items()) if weight and name not in sides.weights]
    if strangers:
        raise ValueError(f"route {found.route} gives weight to {', '.join(strangers)}, which is no side of this move")
    return sides.model_copy(update={"weights": {name: found.weights.get(name, 0) for name in sides.weights}})


def why_drifted(found: RouteDocument, expected_epoch: str | None, own_epoch: str) -> str | None:
    """Whether somebody else wrote the route since we did, in words; None when it is ours.

    Args:
        found: what the gateway holds.
        expected_epoch: the epoch of our last write, None when this is the first one.
        own_epoch: the epoch of the write being made, found there when this attempt repeats an earlier one.
    """
    # A write of this lease that was cancelled or not proven in time is ours as well, though its end was never seen.
    ours = found.epoch.rpartition(".")[0] == own_epoch.rpartition(".")[0]
    if expected_epoch is None or ours or found.epoch == expected_epoch:
        return None
    shares = ", ".join(f"{name} {weight} %" for name, weight in sorted(found.weights.items()))
    return f"route {found.route} was changed by somebody else: it is at epoch {found.epoch} with {shares}"
