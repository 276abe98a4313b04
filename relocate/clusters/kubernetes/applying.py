# SPDX-License-Identifier: Apache-2.0
"""Making an instance's objects by server-side apply, and taking them away again: nothing that is not ours, and nothing by force."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relocate.clusters.kubernetes.anchor import Anchor, Made
from relocate.clusters.kubernetes.objects import DEFINITION, Reference, at, condition, reference
from relocate.clusters.kubernetes.ownership import CLUSTER, is_of, labels_of, owned, owner_named
from relocate.clusters.kubernetes.settings import FIELD
from relocate.errors import ClusterUnavailable, InvalidWorkload
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Conflict, NotFound
from steering.kubernetes.keepers import keeper_of
from steering.kubernetes.objects import Kind, Object

ESTABLISHED_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Applying:
    """Changes one cluster."""

    cluster: str
    """Its configured name."""
    api: Api
    seconds: float
    """Longest wait for a new kind to be served."""

    async def taken(self, objects: Sequence[Object], instance: str) -> Sequence[str]:
        """Which objects cannot be made, and why: they are there already, and are somebody else's.

        Raises:
            ClusterUnavailable: one is on its way out, and will be free in a moment.
        """
        said = await asyncio.gather(*(self._taken(one, instance) for one in objects))
        return [text for text in said if text is not None]

    async def apply(self, objects: Sequence[Object], anchor: Anchor) -> Sequence[Made]:
        """Make them, one after the other. Definitions stay nobody's: others' objects may hang on them."""
        body = anchor.body()
        labels = labels_of(anchor.application, anchor.instance) | {CLUSTER: self.cluster}
        return [made for one in objects if (made := await self._apply(one, labels, body)) is not None]

    async def delete(self, made: Made, instance: str) -> None:
        """Ask for one object to go, only if it is that very one."""
        uid, of = made.uid, made.reference
        if uid is None:
            found = await self._find(of)
            if found is None or not is_of(found, instance):
                return
            uid = found["metadata"]["uid"]
        try:
            await self.api.delete(
                Kind(of.api_version, of.kind), of.namespace, of.name, uid=uid, propagation="Foreground"
            )
        except (NotFound, Conflict):
            return  # it is gone, or another one stands in its place

    async def left(self, made: Made, instance: str) -> Object | None:
        """One object, if it is still there."""
        found = await self._find(made.reference)
        if found is None:
            return None
        ours = found["metadata"]["uid"] == made.uid if made.uid else is_of(found, instance)
        return found if ours else None

    async def _taken(self, wanted: Object, instance: str) -> str | None:
        there = await self._find(reference(wanted))
        if there is None or wanted["kind"] == DEFINITION or is_of(there, instance):
            return None
        if at(there, "metadata", "deletionTimestamp") and owner_named(there):
            raise ClusterUnavailable(f"{reference(wanted)} of {owner_named(there)} is still being deleted")
        owner = keeper_of(there) or owner_named(there) or "somebody else"
        return f"{reference(wanted)} is there already and belongs to {owner}"

    async def _apply(self, wanted: Object, labels: Mapping[str, str], body: Mapping[str, Any]) -> Made | None:
        if wanted["kind"] == DEFINITION:
            await self.api.apply(wanted)
            await self._established(wanted)
            return None
        applied = await self.api.apply(owned(wanted, labels, body))
        metadata = applied["metadata"]
        if "deletionTimestamp" in metadata:
            raise ClusterUnavailable(f"{reference(wanted)} is still being deleted")
        return Made(reference(wanted), metadata["uid"], metadata.get("generation", 0))

    async def _established(self, definition: Object) -> None:
        """Wait until objects of a new kind can be made.

        Raises:
            InvalidWorkload: they cannot within the time.
        """
        try:
            async with asyncio.timeout(self.seconds):
                while True:
                    found = await self._find(reference(definition))
                    if found is not None and condition(found, "Established").get("status") == "True":
                        return
                    await asyncio.sleep(ESTABLISHED_PAUSE_SECONDS)
        except TimeoutError:
            text = f"{FIELD}: {reference(definition)} was not established within {self.seconds:g} s"
            raise InvalidWorkload(text, field=FIELD) from None

    async def _find(self, of: Reference) -> Object | None:
        try:
            return await self.api.get(Kind(of.api_version, of.kind), of.namespace, of.name)
        except NotFound:
            return None
