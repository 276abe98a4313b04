# SPDX-License-Identifier: Apache-2.0
"""What EMCO put on a cluster, found by the label that its rsync puts on every object and pod, and cleared away by uid."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from relocate.clusters.companion import MARK, PortAt, Standing
from relocate.clusters.kubernetes.endpoints import Place, find
from relocate.clusters.kubernetes.kinds.services import OF_SERVICE
from relocate.clusters.kubernetes.objects import in_order, reference
from relocate.clusters.kubernetes.observing import POD, SERVICE, SLICE, Observing
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Conflict, NotFound
from steering.kubernetes.objects import Kind, Object
from steering.model import Endpoint

SWEPT = (
    Kind("apps/v1", "Deployment"),
    Kind("apps/v1", "StatefulSet"),
    Kind("apps/v1", "DaemonSet"),
    Kind("batch/v1", "Job"),
    SERVICE,
    Kind("v1", "ConfigMap"),
)
"""What is removed. Volumes are not: what is in them is nobody's to lose; and pods go with what made them."""


class Marked:
    """Of one cluster."""

    def __init__(self, api: Api, observing: Observing, namespaces: Sequence[str]) -> None:
        """Args: api: the cluster's; observing: knows how ports are reached; namespaces: where EMCO puts things."""
        self._api = api
        self._observing = observing
        self._namespaces = namespaces

    async def standing(self, marks: Sequence[str], ports: Mapping[str, PortAt | None]) -> Standing:
        """As `Companion` says."""
        found = await self._found(marks, (*SWEPT, POD))
        services = [one for one in found if one["kind"] == SERVICE.name]
        places = {name: _place(name, said, services) for name, said in ports.items()}
        known = {name: place for name, place in places.items() if place is not None}
        endpoints: Mapping[str, tuple[Endpoint, ...]] = {}
        if known:
            named = ", ".join(sorted({place.service for place in known.values()}))
            slices = await self._listed((SLICE,), f"{OF_SERVICE} in ({named})")
            endpoints = await self._observing.endpoints(known, services, slices)
        return Standing(
            endpoints={name: endpoints.get(name, ()) for name in ports},
            parts=tuple(str(reference(one)) for one in found),
        )

    async def sweep(self, marks: Sequence[str]) -> None:
        """As `Companion` says: what needs others first."""
        for one in reversed(in_order(await self._found(marks, SWEPT))):
            of = reference(one)
            with suppress(NotFound, Conflict):  # it is gone, or another one stands in its place
                await self._api.delete(
                    Kind(of.api_version, of.kind),
                    of.namespace,
                    of.name,
                    uid=one["metadata"]["uid"],
                    propagation="Foreground",
                )

    async def _found(self, marks: Sequence[str], kinds: Sequence[Kind]) -> Sequence[Object]:
        return await self._listed(kinds, f"{MARK} in ({', '.join(marks)})")

    async def _listed(self, kinds: Sequence[Kind], labels: str) -> Sequence[Object]:
        asked = [(kind, namespace) for kind in kinds for namespace in self._namespaces]
        lists = await asyncio.gather(*(self._api.list(kind, where, labels=labels) for kind, where in asked))
        # The items of a list do not say what they are; the list does.
        return [
            {"apiVersion": kind.api_version, "kind": kind.name, **one}
            for (kind, _), listed in zip(asked, lists, strict=True)
            for one in listed.items
        ]


def _place(name: str, said: PortAt | None, services: Sequence[Object]) -> Place | None:
    """Where a port is: as it was said, or at the one Service port of that name."""
    if said is not None:
        return Place(*said)
    found = find(name, None, services)
    return None if found is None else Place(found[0]["metadata"]["name"], name)
