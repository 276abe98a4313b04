# SPDX-License-Identifier: Apache-2.0
"""From a workload to what one cluster is to get: objects in their namespaces, and what the anchor keeps of them."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from relocate.checking import checked
from relocate.clusters.contract import Workload
from relocate.clusters.kubernetes.anchor import Contents, Made
from relocate.clusters.kubernetes.endpoints import Place, find
from relocate.clusters.kubernetes.objects import DEFINITION, at, reference
from relocate.clusters.kubernetes.settings import FIELD, KubernetesSettings, KubernetesWorkload
from relocate.clusters.kubernetes.sources import namespace_of, objects
from relocate.errors import InvalidWorkload
from steering.kubernetes.api import Api
from steering.kubernetes.errors import NotFound
from steering.kubernetes.objects import Kind, Object


@dataclass(frozen=True)
class Rendered:
    """What a cluster is to get for one instance."""

    namespace: str
    """Where its anchor is."""
    objects: Sequence[Object]
    """In the order in which they are applied."""
    contents: Contents


@dataclass(frozen=True)
class Rendering:
    """Renders for one cluster."""

    cluster: str
    settings: KubernetesSettings
    api: Api

    async def of(self, workload: Workload) -> Rendered:
        """Render, and see that the cluster's settings allow each object.

        Raises:
            InvalidWorkload: something makes no sense, or is not allowed; the text names the field.
        """
        said = checked(KubernetesWorkload, workload.settings, at=FIELD, error=InvalidWorkload)
        found = await objects(self.cluster, self.settings, workload.application, said)
        defined = dict(_defined(one) for one in found if one["kind"] == DEFINITION)
        placed = await asyncio.gather(*(self._placed(one, defined) for one in found))
        contents = Contents(
            inventory=tuple(Made(reference(one)) for one in placed if one["kind"] != DEFINITION),
            ports=_ports(said, workload, placed),
            capacity=said.capacity,
            digest=_digest(said, workload),
        )
        return Rendered(namespace_of(self.cluster, self.settings, said), placed, contents)

    async def _placed(self, found: Object, defined: dict[tuple[str, str], bool]) -> Object:
        """In its namespace, or in none where its kind has none."""
        if await self._is_namespaced(found, defined):
            if found["metadata"]["namespace"] not in self.settings.namespaces:
                text = f"{FIELD}: {reference(found)} is in a namespace that the cluster's settings do not name"
                raise InvalidWorkload(text, field=FIELD)
            return found
        if found["kind"] != DEFINITION and found["kind"] not in self.settings.cluster_scoped:
            text = f"{FIELD}: {reference(found)} is in no namespace; the cluster's settings allow none of that kind"
            raise InvalidWorkload(f"{text} (cluster_scoped)", field=FIELD)
        return {**found, "metadata": {key: value for key, value in found["metadata"].items() if key != "namespace"}}

    async def _is_namespaced(self, found: Object, defined: dict[tuple[str, str], bool]) -> bool:
        """As the cluster says, or the definition that comes along."""
        try:
            return (await self.api.resource(Kind(found["apiVersion"], found["kind"]))).namespaced
        except NotFound:
            known = defined.get((found["apiVersion"].partition("/")[0], found["kind"]))
            if known is None:
                text = f"{FIELD}: {reference(found)}: the cluster has no such kind in {found['apiVersion']}"
                raise InvalidWorkload(text, field=FIELD) from None
            return known


def _defined(definition: Object) -> tuple[tuple[str, str], bool]:
    """Group and kind that a CRD makes, and whether its objects are in namespaces."""
    spec: dict[str, Any] = definition["spec"]
    return (spec["group"], spec["names"]["kind"]), spec["scope"] == "Namespaced"


def _ports(said: KubernetesWorkload, workload: Workload, found: Sequence[Object]) -> dict[str, Place]:
    services = [one for one in found if one["kind"] == "Service"]
    return {port: _place(port, said, services) for port in workload.ports}


def _place(port: str, said: KubernetesWorkload, services: Sequence[Object]) -> Place:
    named = said.ports.get(port)
    place = find(named.port if named else port, named.service if named else None, services)
    if place is None:
        there = ", ".join(
            f"{one['metadata']['name']}/{entry.get('name', entry.get('port'))}"
            for one in services
            for entry in at(one, "spec", "ports", default=())
        )
        field = f"{FIELD}.ports.{port}"
        raise InvalidWorkload(
            f"{field}: must name one Service and its port; there are {there or 'no Services'}", field=field
        )
    service, entry = place
    return Place(service["metadata"]["name"], entry.get("name") or entry["port"])


def _digest(said: KubernetesWorkload, workload: Workload) -> str:
    """Of what was said, not of what was rendered: a chart may roll dice."""
    told = f"{said.model_dump_json()} {sorted(workload.ports)}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
