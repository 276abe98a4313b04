# SPDX-License-Identifier: Apache-2.0
"""What would stop a deploy, before anything is changed. What the credentials may not ask is not held against it."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from relocate.clusters.kubernetes.objects import at, condition, reference
from relocate.clusters.kubernetes.pods_wanted import PodsWanted, lacking, wanted_of
from relocate.clusters.kubernetes.rendering import Rendered
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Conflict, FieldConflict, Forbidden, Invalid, NotFound
from steering.kubernetes.objects import Kind, Object

NAMESPACE, SECRET, NODE = Kind("v1", "Namespace"), Kind("v1", "Secret"), Kind("v1", "Node")
STORAGE_CLASS, QUOTA = Kind("storage.k8s.io/v1", "StorageClass"), Kind("v1", "ResourceQuota")


@dataclass(frozen=True)
class Preflight:
    """Asks one cluster about one instance that may come."""

    api: Api
    rendered: Rendered

    async def problems(self) -> Sequence[str]:
        """Everything that would stop it, a sentence each; empty where nothing is known to."""
        missing = await self._missing(NAMESPACE, None, [self.rendered.namespace])
        if missing:
            return missing
        pods = [one for one in map(wanted_of, self.rendered.objects) if one is not None]
        asked: list[Awaitable[Sequence[str]]] = [self._dry_run(one) for one in self.rendered.objects]
        asked += [self._missing(SECRET, one.namespace, one.pull_secrets) for one in pods]
        asked += [self._missing(STORAGE_CLASS, None, sorted(set(self._storage_classes())))]
        asked += [self._over_quota(pods), self._fits_nowhere(pods)]
        return [problem for several in await asyncio.gather(*asked) for problem in several]

    async def _missing(self, kind: Kind, namespace: str | None, names: Sequence[str]) -> Sequence[str]:
        """Objects that are needed, are not there, and do not come along."""
        coming = {(of.kind, of.name) for of in map(reference, self.rendered.objects)}
        missing = []
        for name in names:
            try:
                await self.api.get(kind, namespace, name)
            except Forbidden:
                continue
            except NotFound:
                if (kind.name, name) not in coming:
                    missing.append(f"{kind.name} {name} is needed, and is not there")
        return missing

    async def _dry_run(self, wanted: Object) -> Sequence[str]:
        """What the API server says to one object: schema, admission, quotas on objects, fields of others."""
        try:
            await self.api.apply(wanted, dry_run=True)
        except NotFound:
            return ()  # of a kind that its own definition brings; without one it would not have been rendered
        except (Invalid, Forbidden, FieldConflict, Conflict) as error:
            return (f"{reference(wanted)}: {error}",)
        return ()

    def _storage_classes(self) -> Iterator[str]:
        for one in self.rendered.objects:
            claims = (
                [one] if one["kind"] == "PersistentVolumeClaim" else at(one, "spec", "volumeClaimTemplates", default=())
            )
            named = (at(claim, "spec", "storageClassName") for claim in claims)
            yield from (name for name in named if name)

    async def _over_quota(self, pods: Sequence[PodsWanted]) -> Sequence[str]:
        """Pods are made by controllers, long after a dry run: their share of a quota is reckoned here."""
        problems: list[str] = []
        with suppress(Forbidden):
            for namespace in sorted({one.namespace for one in pods}):
                mine = [one for one in pods if one.namespace == namespace]
                quotas = await self.api.list(QUOTA, namespace)
                problems += [text for quota in quotas.items for text in lacking(quota, mine)]
        return problems

    async def _fits_nowhere(self, pods: Sequence[PodsWanted]) -> Sequence[str]:
        """A pod that asks for more than any ready node has; what others take of it is the scheduler's to know."""
        try:
            nodes = (await self.api.list(NODE)).items
        except Forbidden:
            return ()
        ready = [
            at(node, "status", "allocatable", default={})
            for node in nodes
            if condition(node, "Ready").get("status") == "True"
        ]
        return [
            f"{one.of}: a pod asks for {one.asks()}; no node that is ready has so much"
            for one in pods
            if not any(map(one.fits, ready))
        ]
