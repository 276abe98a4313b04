# SPDX-License-Identifier: Apache-2.0
"""Warnings that a cluster gave about an instance: only asked for while a pod of it is not ready, and not at every look."""

import time
from collections.abc import Sequence

from relocate.clusters.kubernetes.anchor import Anchor
from relocate.clusters.kubernetes.objects import condition
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Forbidden
from steering.kubernetes.objects import Kind, Object

EVENT = Kind("v1", "Event")
PATIENCE_SECONDS = 3.0
"""A pod is asked after when it has not been ready for so long."""
AGAIN_SECONDS = 3.0


class Troubles:
    """Events of the type Warning in the namespaces of one cluster."""

    def __init__(self, api: Api) -> None:
        """Args: api: the cluster's."""
        self._api = api
        self._waiting_since: dict[str, float] = {}
        self._asked: dict[str, tuple[float, Sequence[Object]]] = {}

    async def of(self, anchor: Anchor, pods: Sequence[Object]) -> Sequence[Object]:
        """By namespace; empty while every pod of the instance is ready, or only starts."""
        if pods and all(condition(pod, "Ready").get("status") == "True" for pod in pods):
            self._waiting_since.pop(anchor.instance, None)
            return ()
        now = time.monotonic()
        if now - self._waiting_since.setdefault(anchor.instance, now) < PATIENCE_SECONDS:
            return ()
        asked_at, known = self._asked.get(anchor.namespace, (0.0, ()))
        if now - asked_at > AGAIN_SECONDS:
            known = await self._warnings(anchor.namespace)
            self._asked[anchor.namespace] = (now, known)
        return known

    async def _warnings(self, namespace: str) -> Sequence[Object]:
        try:
            return (await self._api.list(EVENT, namespace, fields="type=Warning")).items
        except Forbidden:
            return ()
