# SPDX-License-Identifier: Apache-2.0
"""Clusters (MEC hosts) as they are configured, and gateways."""

from typing import Annotated, Any, Literal

from pydantic import Field

from relocate.model.values import DEFAULT_PROJECT, EVERY_PROJECT, Labels, Model, Name, Project

KindName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$", examples=["gateway_api"])]
"""Name of an entry point: as `Name`, and underscores."""


class Infrastructure(Model):
    """What applications stand on; it belongs to one project, and others may use it if it says so."""

    project: Project = DEFAULT_PROJECT
    """Whose it is."""
    shared_with: tuple[Project | Literal["*"], ...] = Field(default=(), max_length=1024)
    """Other projects whose applications may use it; `*`: those of all."""

    def serves(self, project: str) -> bool:
        """Whether applications of this project may use it."""
        return project == self.project or not {project, EVERY_PROJECT}.isdisjoint(self.shared_with)


class Cluster(Infrastructure):
    """Somewhere an instance can run."""

    kind: Literal["Cluster"] = "Cluster"
    name: Name
    driver: KindName
    """Name of an entry point in the group `relocate.clusters`."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The driver's own settings; the driver checks them."""
    labels: Labels = Field(default_factory=dict)
    zone: Name | None = None
    cells: tuple[str, ...] = Field(default=(), max_length=4096)
    """Radio cells this cluster is near to."""
    cordoned: bool = False
    """A cordoned cluster is never chosen as a target."""
    latency_ms: dict[str, Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Round-trip time from a cell to this cluster, where it is known beforehand."""
    cpu_millicores: int | None = Field(default=None, ge=0)
    """Free capacity, where no driver observes it; None is unknown and never fails a filter that asks for nothing."""
    memory_mib: int | None = Field(default=None, ge=0)


class Gateway(Infrastructure):
    """A configured entry point with one steering adapter."""

    kind: Literal["Gateway"] = "Gateway"
    name: Name
    adapter: KindName
    """Name of an entry point in the group `steering.adapters`."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The adapter's own settings; the adapter checks them."""
