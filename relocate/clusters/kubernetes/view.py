# SPDX-License-Identifier: Apache-2.0
"""What is in a cluster of ours, by watches that are opened when somebody asks and closed when nobody does.

A watch is only as true as its connection. So what watches say is believed for as long as the API server is heard of; whoever
has to be sure asks it after a moment of silence whether it is there, and when it is not, every watch is begun anew.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from relocate.clusters.kubernetes.ownership import INSTANCE, label_of, owner_named
from steering.kubernetes.api import Api
from steering.kubernetes.errors import KubernetesError
from steering.kubernetes.objects import Kind, Object
from steering.kubernetes.watching import Watched

IDLE_SECONDS = 60.0
"""After this time without a question a watch is closed."""


class _Subject(NamedTuple):
    """What one watch is of."""

    kind: Kind
    namespace: str | None
    labels: str


class View:
    """Objects of one cluster, as they are now."""

    def __init__(self, api: Api, seconds: float) -> None:
        """Args: api: the cluster's; seconds: longest wait for a first list."""
        self._api = api
        self._seconds = seconds
        self._watched: dict[_Subject, Watched] = {}
        self._asked_at: dict[_Subject, float] = {}
        self._asking = asyncio.Lock()

    async def check(self, silence: float) -> None:
        """See that the API server is there, if it has not said a word for so many seconds.

        Raises:
            KubernetesError: it is not; what watches have said so far is not believed any more.
        """
        async with self._asking:
            if time.monotonic() - self._api.heard_at <= silence:
                return
            try:
                await self._api.ping()
            except KubernetesError:
                await self.close()
                raise

    async def of_instance(
        self, instance: str, kinds: Iterable[Kind], namespace: str
    ) -> Mapping[Kind, Sequence[Object]]:
        """Everything of an instance in a namespace, by kind. Kinds are asked for at the same time.

        Raises:
            KubernetesError: one of them is not known now.
        """
        wanted = list(kinds)
        watched = await asyncio.gather(*(self._watch(_Subject(kind, namespace, INSTANCE)) for kind in wanted))
        found = await asyncio.gather(*(one.by_label(INSTANCE, self._seconds) for one in watched))
        return {kind: groups.get(label_of(instance), ()) for kind, groups in zip(wanted, found, strict=True)}

    async def unmarked(self, kind: Kind, namespace: str, selectors: Sequence[str]) -> Sequence[Object]:
        """Objects that one of these selectors picks, and that carry no instance's label."""
        watched = [await self._watch(_Subject(kind, namespace, one)) for one in selectors]
        found = [one for several in watched for one in (await several.objects(self._seconds)).values()]
        return [one for one in found if owner_named(one) is None]

    async def all_of(self, kind: Kind) -> Sequence[Object]:
        """Every object of a kind in the whole cluster, whosever it is."""
        watched = await self._watch(_Subject(kind, None, ""))
        return list((await watched.objects(self._seconds)).values())

    async def close(self) -> None:
        """Close every watch."""
        watched, self._watched = self._watched, {}
        for one in watched.values():
            await one.stop()

    async def _watch(self, subject: _Subject) -> Watched:
        await self._close_idle(subject)
        if subject not in self._watched:
            self._watched[subject] = Watched(self._api, *subject)
            self._watched[subject].start()
        return self._watched[subject]

    async def _close_idle(self, asked: _Subject) -> None:
        now = time.monotonic()
        self._asked_at[asked] = now
        for subject in [one for one, at in self._asked_at.items() if now - at > IDLE_SECONDS]:
            del self._asked_at[subject]
            idle = self._watched.pop(subject, None)
            if idle is not None:
                await idle.stop()
