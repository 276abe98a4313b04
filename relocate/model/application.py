# SPDX-License-Identifier: Apache-2.0
"""What an application says about itself: workloads, routes, readiness, and how its moves are judged."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from readiness.model import GateSpec
from relocate.model.values import DEFAULT_PROJECT, Duration, Fraction, Model, Name, Project
from steering.model import Port


class Sharing(StrEnum):
    """Whom an application's instance serves."""

    DEDICATED = "dedicated"
    """One UE: when that UE moves, the application moves."""
    SHARED = "shared"
    """Many UEs: one UE's move never moves it by itself."""


class Watch(Model):
    """The safe request that the prober sends, all the time, through every gateway instance."""

    port: Name = "http"
    path: str = Field(default="/", pattern=r"^/", max_length=512)
    """For a gRPC port: the service name asked by grpc.health.v1."""
    period_seconds: float = Field(default=0.05, ge=0.01, le=10)
    """An outage longer than this cannot be missed; every claim from these samples states it."""
    timeout_seconds: float = Field(default=2.0, gt=0, le=60)


class Route(Model):
    """One thing to steer: host names at some gateways, with named ports."""

    name: Name
    hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")], ...] = Field(min_length=1, max_length=32)
    gateways: tuple[Name, ...] = Field(min_length=1, max_length=32)
    ports: tuple[Port, ...] = Field(min_length=1, max_length=16)
    watch: Watch = Watch()
    timeout_seconds: float = Field(default=15.0, gt=0, le=3600)
    """Longest time a request (not a stream) may take."""
    try_seconds: float | None = Field(default=None, gt=0, le=3600)
    """While another proven side can answer: how long one side may keep a retry-safe request before the other is asked.
    For instances that hang instead of dying; longer than any right answer takes. None: as long as the request may."""

    @model_validator(mode="after")
    def _a_try_is_shorter(self) -> Self:
        if self.try_seconds is not None and self.try_seconds >= self.timeout_seconds:
            raise ValueError(f"try_seconds: must be less than timeout_seconds, {self.timeout_seconds:g}")
        return self

    @model_validator(mode="after")
    def _watch_names_a_port(self) -> Self:
        if self.watch.port not in {port.name for port in self.ports}:
            raise ValueError(f"watch.port: must be one of {', '.join(port.name for port in self.ports)}")
        return self


class Judging(Model):
    """When B counts as good, compared with A's baseline. Too few samples decide nothing: they hold."""

    max_error_rate: Fraction = 0.01
    """B's share of failed requests may exceed A's by at most this."""
    max_p99_ratio: float = Field(default=2.0, ge=1, le=100)
    """B's p99 may be at most this many times A's ..."""
    max_p99_slack_seconds: Duration = 0.05
    """... plus this, so that a fast application is not judged on noise."""
    min_samples: int = Field(default=20, ge=1, le=1_000_000)


class Drain(Model):
    """How long users of A are waited for, and what happens at the deadline."""

    window_seconds: Duration = 1.0
    """A counts as unused after this time of zero in flight and zero new requests."""
    deadline_seconds: Duration = 60.0
    at_deadline: Literal["wait", "hold", "force"] = "hold"
    """`wait` goes on waiting, `hold` asks an operator, `force` cuts what is left and records how many."""


def _ends_at_100(steps: tuple[int, ...]) -> tuple[int, ...]:
    if not steps or steps[-1] != WHOLE or list(steps) != sorted(set(steps)):
        raise ValueError("must rise and end at 100, for example [100] or [1, 10, 50, 100]")
    return steps


WHOLE = 100
"""Percent."""

Steps = Annotated[
    tuple[Annotated[int, Field(ge=1, le=WHOLE)], ...], Field(max_length=100), AfterValidator(_ends_at_100)
]


class Policy(Model):
    """How a move of this application goes; a request may override each field."""

    deploy_seconds: float = Field(default=300.0, gt=0, le=600)
    """How long a new instance may take until its cluster says that it runs; then it counts as failed, with the reason."""
    steps: Steps = (100,)
    """Weights of B, in percent, rising, the last one 100."""
    hold_seconds: Duration = 1.0
    """How long each step before the last is held and judged."""
    bake_seconds: Duration = 5.0
    """How long B is watched after the switch, with A whole. 0 leaves the phase out: nothing is proven by it."""
    drain: Drain = Drain()
    judging: Judging = Judging()
    unproven: Literal["forbid", "allow"] = "forbid"
    """`allow` waives proof where no adapter of the route can give it; recorded."""
    waived_instances: tuple[str, ...] = Field(default=(), max_length=64)
    """Gateway instances that need not acknowledge, by name; recorded."""
    probes_per_instance: int = Field(default=5, ge=3, le=100)
    """How many fresh connections running must answer right, through each gateway instance, before a step is live."""


Hook = Annotated[str, Field(pattern=r"^/", max_length=512)]


class Transfer(Model):
    """Hooks of an application that keeps state: paths to which an empty-handed POST is sent at the source instance.

    Each gets `{"relocation", "source", "target", "fence"}` (addresses of the hook's port) and must answer 2xx when it is
    done; it may be called again. `fence` (`lease`, then `sequence`) rises with every call: an application that remembers
    the highest refuses a call that was held up on its way, a `freeze` after its `resume` say.
    """

    port: Name = "http"
    pre_copy: Hook | None = None
    """Copies what it can while the source goes on serving."""
    freeze: Hook | None = None
    """From its answer on the source changes nothing."""
    final_sync: Hook
    """Copies the rest; its answer allows the switch."""
    resume: Hook
    """The undo: the source changes things again."""
    timeout_seconds: float = Field(default=30.0, gt=0, le=3600)


class Requirements(Model):
    """What a cluster must offer to be a candidate."""

    max_latency_ms: float | None = Field(default=None, gt=0, le=60_000)
    cpu_millicores: int = Field(default=0, ge=0)
    memory_mib: int = Field(default=0, ge=0)
    labels: dict[Name, str] = Field(default_factory=dict, max_length=64)


class Application(Model):
    """One application: what runs it, how users reach it, and how it is moved."""

    kind: Literal["Application"] = "Application"
    name: Name
    """Unique over all projects."""
    project: Project = DEFAULT_PROJECT
    """Whose it is. It may use that project's clusters and gateways, and those that are shared with it."""
    sharing: Sharing = Sharing.DEDICATED
    workloads: dict[Name, dict[str, Any]] = Field(min_length=1, max_length=16)
    """What to run, by kind of cluster driver (`process`, `external`, ...); each driver checks its own part."""
    routes: tuple[Route, ...] = Field(default=(), max_length=32)
    """None: nobody steers its users, and where they are cannot be proven; it moves only under `policy.unproven: allow`."""
    ports: tuple[Name, ...] = Field(default=(), max_length=16)
    """Named ports, of an application without routes; of any other they are those of its routes."""
    readiness: GateSpec
    policy: Policy = Policy()
    transfer: Transfer | None = None
    """None: it keeps no state that must follow the user."""
    requirements: Requirements = Requirements()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [route.name for route in self.routes]
        if len(set(names)) != len(names):
            raise ValueError("routes: each name may stand once")
        if bool(self.routes) is bool(self.ports):
            raise ValueError("ports: must be named if there are no routes, and only then")
        if self.transfer is not None and self.transfer.port not in self.port_names:
            raise ValueError(f"transfer.port: must be one of {', '.join(sorted(self.port_names))}")
        return self

    @property
    def port_names(self) -> tuple[str, ...]:
        """Every named port, each once."""
        return self.ports or tuple(dict.fromkeys(port.name for route in self.routes for port in route.ports))
