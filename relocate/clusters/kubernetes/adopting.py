# SPDX-License-Identifier: Apache-2.0
"""Objects that run already: found, marked as an instance of ours, and left again. Only labels of the objects themselves change.

A label on a pod's template would start every pod anew, so pods are found by the selectors of their own workloads.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relocate.clusters.adopting import Runs
from relocate.clusters.kubernetes.anchor import Made
from relocate.clusters.kubernetes.objects import DEFINITION, Reference, at, reference
from relocate.clusters.kubernetes.ownership import is_of, labels_of, owner_named
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Conflict, NotFound
from steering.kubernetes.keepers import keeper_of
from steering.kubernetes.objects import Kind, Object

SERVICE, SLICE = "Service", Kind("discovery.k8s.io/v1", "EndpointSlice")
LONGEST = 80
"""Characters of a value that a sentence shows."""
OPERATORS = {"In": "in", "NotIn": "notin"}


@dataclass(frozen=True)
class Adopting:
    """On one cluster."""

    api: Api

    async def look(self, wanted: Sequence[Object], instance: str) -> Runs:
        """What is there of these objects, and what stops an adoption as this instance."""
        said = {reference(one): one for one in _adopted(wanted)}
        found = dict(zip(said, await asyncio.gather(*map(self._find, said)), strict=True))
        there = [of for of, one in found.items() if one is not None]
        return Runs(
            parts=tuple(map(str, there)),
            differences=tuple(f"{of}: {text}" for of in there for text in unlike(said[of], found[of])),
            changes=(
                *(f"{of} gets the labels relocation.edge/..." for of in there),
                "a ConfigMap says what was adopted",
            ),
            problems=tuple(text for of, one in found.items() if (text := _why_not(of, one, instance))),
        )

    async def around(self, wanted: Sequence[Object], namespace: str) -> tuple[Sequence[Object], Sequence[Object]]:
        """The Services among these objects as they stand, and every EndpointSlice beside them."""
        named = [reference(one) for one in wanted if one["kind"] == SERVICE]
        found = await asyncio.gather(*map(self._find, named))
        return [one for one in found if one is not None], (await self.api.list(SLICE, namespace)).items

    async def mark(self, wanted: Sequence[Object], application: str, instance: str) -> Sequence[Made]:
        """Label them.

        Raises:
            Conflict: one has become another one, or somebody else's, since it was looked at.
        """
        labels = labels_of(application, instance)
        return [await self._mark(reference(one), labels, instance) for one in _adopted(wanted)]

    async def unmark(self, made: Made, instance: str) -> None:
        """Take the labels from one object, if it is that very one and carries them."""
        found = await self._find(made.reference)
        if found is not None and is_of(found, instance) and made.uid in (None, found["metadata"]["uid"]):
            await self._label(found, dict.fromkeys(labels_of("", instance)))

    async def _mark(self, of: Reference, labels: Mapping[str, str], instance: str) -> Made:
        found = await self._find(of)
        reason = _why_not(of, found, instance)
        if found is None or reason is not None:
            raise Conflict(reason or f"{of} is not there")
        marked = await self._label(found, labels)
        return Made(of, marked["metadata"]["uid"], marked["metadata"].get("generation", 0))

    async def _label(self, found: Object, labels: Mapping[str, str | None]) -> Object:
        """Only of this very object, whatever else has been written to it meanwhile."""
        of = reference(found)
        body = {"metadata": {"uid": found["metadata"]["uid"], "labels": labels}}
        return await self.api.patch(Kind(of.api_version, of.kind), of.namespace, of.name, body)

    async def _find(self, of: Reference) -> Object | None:
        try:
            return await self.api.get(Kind(of.api_version, of.kind), of.namespace, of.name)
        except NotFound:
            return None


def selectors(found: Sequence[Object]) -> tuple[str, ...]:
    """By which workloads among these objects pick their pods, as API servers take it."""
    picked = [at(one, "spec", "selector") for one in found if at(one, "spec", "template", "spec") is not None]
    return tuple(dict.fromkeys(",".join(_terms(one)) for one in picked if isinstance(one, Mapping)))


def _adopted(wanted: Sequence[Object]) -> Sequence[Object]:
    """Definitions stay nobody's."""
    return [one for one in wanted if one["kind"] != DEFINITION]


def _terms(selector: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items()))
    for one in selector.get("matchExpressions") or ():
        key, operator = one["key"], one["operator"]
        if operator in OPERATORS:
            yield f"{key} {OPERATORS[operator]} ({','.join(one['values'])})"
        else:
            yield key if operator == "Exists" else f"!{key}"


def _why_not(of: Reference, found: Object | None, instance: str) -> str | None:
    if found is None:
        return f"{of} is not there"
    keeper = keeper_of(found)
    if keeper is not None:
        return f"{of} is kept by {keeper}, which would bring it back: take it out of there first"
    if at(found, "metadata", "deletionTimestamp"):
        return f"{of} is being deleted"
    owner = owner_named(found)
    return f"{of} belongs to {owner} already" if owner and not is_of(found, instance) else None


def unlike(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where what is there is not as it is said; what is said nowhere was filled in by the cluster."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            yield from unlike(value, found.get(key), f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from unlike(one, other, f"{path}[{place}]")
    elif wanted != found and (wanted or found):
        yield f"{path.removeprefix('.')}: there is {_shown(found)}, the next cluster gets {_shown(wanted)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
