# SPDX-License-Identifier: Apache-2.0
"""What a driver can do besides, on whose clusters another orchestrator puts things: see them, and clear away what it left.

A driver that offers this is a `Companion` as well. The other orchestrator marks what it makes; nothing without the mark is looked at
or touched.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import Field

from relocate.model.values import Payload
from steering.model import Endpoint

MARK = "emco/deployment-id"
"""Label that EMCO's rsync puts on every object, and on pods: CONTEXT-APP (EMCO: `src/rsync/pkg/context/cluster.go`)."""


class PortAt(NamedTuple):
    """Where a named port is, by the words of the cluster."""

    service: str
    port: str | int
    """Name or number."""


class Standing(Payload):
    """What is there under some marks."""

    endpoints: dict[str, tuple[Endpoint, ...]] = Field(default_factory=dict)
    """By port name; complete when all of it runs."""
    parts: tuple[str, ...] = ()
    """Everything that is there, also what is ending, by kind and name; empty: nothing is left."""
    capacity: float | None = None


class Companion(ABC):
    """Looks at a cluster beside the orchestrator that runs things there. Every question may raise ClusterUnavailable."""

    @abstractmethod
    async def standing(self, marks: Sequence[str], ports: Mapping[str, PortAt | None]) -> Standing:
        """What is there now. Changes nothing.

        Args:
            marks: EMCO's `emco/deployment-id`, one for each app: CONTEXT-APP.
            ports: whose endpoints are wanted, by name; None: where the cluster itself has a port of that name.
        """

    @abstractmethod
    async def sweep(self, marks: Sequence[str]) -> None:
        """Have removed what is there now under these marks, by its identity: what is made meanwhile stays."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""
