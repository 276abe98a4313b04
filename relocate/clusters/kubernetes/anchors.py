# SPDX-License-Identifier: Apache-2.0
"""Changing anchors by compare-and-set, so that of two who order only the newer one is obeyed."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from relocate.clusters.fencing import admit
from relocate.clusters.kubernetes.anchor import CONFIG_MAP, STAGE, Anchor, Contents, Stage, name_of
from relocate.clusters.kubernetes.objects import moment
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Conflict, Exists, NotFound
from steering.model import Fence

TOMBSTONE_LIFE = timedelta(days=1)
"""Longer than any order lies around before it arrives."""


@dataclass(frozen=True)
class Anchors:
    """The anchors in one namespace of a cluster."""

    api: Api
    namespace: str

    async def find(self, instance: str) -> Anchor | None:
        """As it stands, or None."""
        try:
            return Anchor.read(await self.api.get(CONFIG_MAP, self.namespace, name_of(instance)))
        except NotFound:
            return None

    async def take(
        self,
        application: str,
        instance: str,
        fence: Fence,
        stage: Stage | None = None,
        contents: Contents | None = None,
        *,
        found: Anchor | None = None,
    ) -> Anchor:
        """Let this writer in, and every older one out from now on.

        Args:
            application: whose instance it is.
            instance: its name.
            fence: the writer's.
            stage: what the anchor is to say; None leaves it as it is (a tombstone where there was nothing).
            contents: what the instance is to be; None leaves that too.
            found: the anchor as it was just read; None asks for it.

        Raises:
            StaleFence: a newer fence has been here.
            InvalidWorkload: the instance is there, and is something else.
        """
        while True:
            found = found or await self.find(instance)
            if found is None:
                made = Anchor(self.namespace, application, instance, fence, stage or Stage.REMOVED)
                wanted = replace(made, contents=contents or Contents())
            else:
                admit(found.instance, found.fence, fence)
                wanted = replace(found, fence=fence, stage=_next(found.stage, stage))
                if contents is not None:
                    wanted = replace(wanted, contents=found.together(contents))
            if found is not None and wanted == found and contents is None:
                return found
            try:
                return await self._write(wanted)
            except (Exists, Conflict, NotFound):
                found = None

    async def keep(self, anchor: Anchor) -> Anchor:
        """Write what has been done, if nobody has written since.

        Raises:
            StaleFence: somebody has, under a newer fence.
        """
        try:
            return await self._write(anchor)
        except (Conflict, NotFound):
            found = await self.find(anchor.instance)
            if found is not None:
                admit(found.instance, found.fence, anchor.fence)
            raise

    async def bury(self, anchor: Anchor) -> Anchor:
        """Put a tombstone in its place, with another uid, whoever comes in between; the tombstone."""
        stone = replace(anchor, stage=Stage.REMOVED, uid="", resource_version="")
        while True:
            with suppress(NotFound, Conflict):
                await self.api.delete(CONFIG_MAP, anchor.namespace, name_of(anchor.instance), uid=anchor.uid)
            try:
                return await self._write(stone)
            except Exists:
                found = await self.find(anchor.instance)
                if found is not None:
                    admit(found.instance, found.fence, anchor.fence)
                    if (found.stage, found.fence) == (Stage.REMOVED, anchor.fence) and found.uid != anchor.uid:
                        return found
                    anchor = found

    async def sweep(self, now: datetime) -> None:
        """Take away tombstones that nobody can need any more."""
        stones = await self.api.list(CONFIG_MAP, self.namespace, labels=f"{STAGE}={Stage.REMOVED}")
        for one in stones.items:
            metadata = one["metadata"]
            if now - moment(metadata["creationTimestamp"]) > TOMBSTONE_LIFE:
                with suppress(NotFound, Conflict):
                    await self.api.delete(CONFIG_MAP, self.namespace, metadata["name"], uid=metadata["uid"])

    async def _write(self, anchor: Anchor) -> Anchor:
        body = anchor.body()
        return Anchor.read(await (self.api.replace(body) if anchor.uid else self.api.create(body)))


def _next(found: Stage, wanted: Stage | None) -> Stage:
    """A tombstone stays one until something is deployed on it."""
    if wanted is None or (found is Stage.REMOVED and wanted is Stage.REMOVING):
        return found
    return wanted
