# SPDX-License-Identifier: Apache-2.0
"""What a cluster of the kind `kubernetes` is told, and what an application says about running on one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from relocate.model.values import Model, Name
from steering.kubernetes.connection import Connection, InCluster

KIND = "kubernetes"
FIELD = f"workloads.{KIND}"
"""Where an application says what to run here."""

Manifest = Annotated[dict[str, Any], Field(min_length=3)]
"""A Kubernetes object: `apiVersion`, `kind`, `metadata` and the rest."""


class Reach(StrEnum):
    """How gateways reach an instance's ports."""

    NODE_PORT = "node_port"
    """On every node that is ready, at the port that the Service has there."""
    LOAD_BALANCER = "load_balancer"
    """At the address that the Service's load balancer has."""
    PODS = "pods"
    """At the pods themselves, where their network is routed to the gateways."""
    CLUSTER_IP = "cluster_ip"
    """At the Service's own address, where gateways run in the cluster."""


class KubernetesSettings(Model):
    """A cluster's `settings`."""

    connection: Connection = InCluster()
    namespaces: tuple[Name, ...] = Field(default=("default",), min_length=1, max_length=256)
    """Where instances may be; the first one where an application names none."""
    reach: Reach = Reach.NODE_PORT
    node_addresses: tuple[str, ...] = Field(default=(), max_length=1024)
    """Where nodes are reached, instead of the addresses that they say (and then the right to read nodes is not needed)."""
    sources: Path | None = None
    """Folder on the worker under which charts and kustomizations are; paths of applications are inside of it."""
    cluster_scoped: tuple[str, ...] = Field(default=(), max_length=64)
    """Kinds of objects outside of any namespace that applications may bring, beside CRDs."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """For each request to the API server."""
    patience_seconds: float = Field(default=60.0, ge=0, le=3600)
    """How long a container may fail in the same way before its instance counts as failed."""


class Helm(Model):
    """A chart, rendered on the worker; hooks are not run."""

    chart: str = Field(min_length=1, max_length=512)
    """Folder or archive, inside the cluster's `sources`."""
    values: dict[str, Any] = Field(default_factory=dict)
    release: Name | None = None
    """Name of the release; the application's, if it names none."""


class PortOf(Model):
    """Where a named port of a route is."""

    service: Name
    port: Name | int
    """Name or number of the Service's port."""


class Override(Model):
    """What is different on one cluster."""

    namespace: Name | None = None
    patches: tuple[Manifest, ...] = Field(default=(), max_length=256)
    """Each names an object (`apiVersion`, `kind`, `metadata.name`) and what is merged into it (RFC 7386)."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Merged into the chart's values."""
    kustomize: str | None = Field(default=None, max_length=512)
    """Another folder, an overlay."""


class KubernetesWorkload(Model):
    """An application's `workloads.kubernetes`: manifests, a kustomization, or a chart."""

    namespace: Name | None = None
    manifests: tuple[Manifest, ...] | None = Field(default=None, min_length=1, max_length=512)
    kustomize: str | None = Field(default=None, max_length=512)
    """Folder inside the cluster's `sources`."""
    helm: Helm | None = None
    overrides: dict[Name, Override] = Field(default_factory=dict, max_length=1024)
    """By cluster."""
    ports: dict[Name, PortOf] = Field(default_factory=dict, max_length=16)
    """By the route's port name. What is not named is the one Service port of that name."""
    capacity: float = Field(default=1.0, gt=0)
    """What one ready pod can serve, in the application's own unit."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if sum(one is not None for one in (self.manifests, self.kustomize, self.helm)) != 1:
            raise ValueError("must have exactly one of manifests, kustomize, helm")
        return self
