# SPDX-License-Identifier: Apache-2.0
"""Objects as they are now, by one list and one watch instead of a request for each look."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from steering.kubernetes.api import SILENCE_SECONDS, Api
from steering.kubernetes.errors import Expired, KubernetesError, Unreachable
from steering.kubernetes.objects import Kind, Object

_LOG = logging.getLogger(__name__)
AGAIN_SECONDS, LONGEST_SECONDS = 0.2, 5.0
"""Between two attempts to list."""


class Watched:
    """All objects of a kind in a namespace that a label selector picks, kept up to date."""

    def __init__(self, api: Api, kind: Kind, namespace: str | None, labels: str) -> None:
        """Args: as for `Api.list`. Nothing is asked before `start`."""
        self._api = api
        self._kind = kind
        self._namespace = namespace
        self._labels = labels
        self._objects: dict[str, Object] = {}
        self._by_label: dict[str, Mapping[str, Sequence[Object]]] = {}
        """What has been asked for since the last change."""
        self._heard_at: float | None = None
        self._reason: KubernetesError = Unreachable("it has not been asked yet")
        self._listed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to list and watch."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name=f"watch {self._kind.name}")

    async def stop(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def objects(self, seconds: float) -> Mapping[str, Object]:
        """By uid, as of a moment ago.

        Raises:
            KubernetesError: they are not known within this time, or have not been heard of for too long: why.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._listed.wait()
        if self._heard_at is None or time.monotonic() - self._heard_at > SILENCE_SECONDS:
            raise self._reason
        return self._objects

    async def by_label(self, label: str, seconds: float) -> Mapping[str, Sequence[Object]]:
        """As `objects`, by the value of a label; grouped anew after a change, and not at every look."""
        found = await self.objects(seconds)
        if label not in self._by_label:
            groups: dict[str, list[Object]] = defaultdict(list)
            for one in found.values():
                value = (one["metadata"].get("labels") or {}).get(label)
                if value is not None:
                    groups[value].append(one)
            self._by_label[label] = dict(groups)
        return self._by_label[label]

    async def _follow(self) -> None:
        pause = AGAIN_SECONDS
        while True:
            try:
                version = await self._list()
                pause = AGAIN_SECONDS
                while True:
                    version = await self._watch(version)
            except Expired:
                continue
            except KubernetesError as error:
                self._lost(error)
            except Exception as error:  # noqa: BLE001  whatever breaks in us, nobody is to believe a watch that is dead
                _LOG.exception("a watch of %s goes on after", self._kind.name)
                self._lost(Unreachable(f"{type(error).__name__}: {error}"))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_SECONDS)

    def _lost(self, reason: KubernetesError) -> None:
        self._reason = reason
        self._heard_at = None
        self._listed.clear()

    async def _list(self) -> str:
        found = await self._api.list(self._kind, self._namespace, labels=self._labels)
        self._objects = {one["metadata"]["uid"]: one for one in found.items}
        self._by_label.clear()
        self._heard_at = time.monotonic()
        self._listed.set()
        return found.resource_version

    async def _watch(self, version: str) -> str:
        """Follow one watch to its end; the version that the next one goes on from."""
        async for event in self._api.watch(self._kind, self._namespace, labels=self._labels, since=version):
            version = event.object["metadata"]["resourceVersion"]
            if event.type in ("ADDED", "MODIFIED"):
                self._objects[event.object["metadata"]["uid"]] = event.object
            elif event.type == "DELETED":
                self._objects.pop(event.object["metadata"]["uid"], None)
            if event.type != "BOOKMARK":
                self._by_label.clear()
            self._heard_at = time.monotonic()
        return version
