# SPDX-License-Identifier: Apache-2.0
"""How a replica's counters are read."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import httpx

from steering.gateway_api.settings import Replica
from steering.model import InstanceUsage

ASK_SECONDS = 2.0
UNREADABLE = (httpx.HTTPError, ValueError)
"""What reading a replica's state raises where it cannot be done."""


class Implementation(ABC):
    """Reads the counters of one kind of gateway."""

    counts_in_flight: ClassVar[bool]
    """Whether it says how much is open on a Service: without that nobody can be proven to have gone."""

    lacks: ClassVar[Mapping[str, str]] = {}
    """Why routes of a kind cannot be proven on it, by kind."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self._client = httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False)

    async def usage(self, replica: Replica, namespace: str, services: Sequence[str]) -> InstanceUsage:
        """What a replica counts on these Services together; unknown, with the reason, where it cannot be read."""
        if replica.admin is None:
            return unknown(replica, "no admin address is configured for it")
        try:
            return await self._count(replica, f"http://{replica.admin}", namespace, services)
        except UNREADABLE as error:
            return unknown(replica, f"its counters at {replica.admin} cannot be read: {error!r}")

    async def unheard(self, replica: Replica, namespace: str, services: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """Of these Services, those whose endpoints a replica has not heard of, so that it would answer 503 for them.

        None where it takes a route and what it leads to as one, or where nobody was told how to ask it.

        Raises:
            UNREADABLE: it could not be asked now.
        """
        return ()

    @abstractmethod
    async def _count(self, replica: Replica, base: str, namespace: str, services: Sequence[str]) -> InstanceUsage:
        """Ask at `base`, and add up; `UNREADABLE` says that it could not be read."""

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()


class Untold(Implementation):
    """Nothing is known of this implementation's counters."""

    counts_in_flight = False

    async def usage(self, replica: Replica, namespace: str, services: Sequence[str]) -> InstanceUsage:  # noqa: ARG002
        """Unknown."""
        return unknown(replica, "the gateway's settings name no implementation whose counters could be read")

    async def _count(self, replica: Replica, base: str, namespace: str, services: Sequence[str]) -> InstanceUsage:
        raise NotImplementedError


def unknown(replica: Replica, reason: str) -> InstanceUsage:
    """Nothing is known, and unknown is not zero."""
    return InstanceUsage(instance=replica.id, in_flight=None, requests_total=None, reason=reason)
