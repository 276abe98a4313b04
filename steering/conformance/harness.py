# SPDX-License-Identifier: Apache-2.0
"""What an adapter's author implements, so that the cases can be run on the real gateway."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count

from steering.contract import SteeringAdapter
from steering.model import Backend, Port, RouteDocument, Version


@dataclass(frozen=True)
class Reply:
    """What a UE got for one request. All None with an `error` if nothing came back."""

    side: str | None = None
    """The side that the gateway names (`steering.model.SIDE_HEADER`)."""
    epoch: str | None = None
    """The epoch that came with it (`steering.model.EPOCH_HEADER`)."""
    answered_by: str | None = None
    """What the application itself says it is; it must be the backend's name."""
    error: str | None = None
    """Why this is not a good answer (no connection, a status other than 200), or None."""


class Stream(ABC):
    """An open stream (a WebSocket, a gRPC stream, or whatever the gateway carries)."""

    @abstractmethod
    async def ask(self) -> str:
        """Send one message and return the name of the backend that answers it; raises OSError if the stream is dead."""


class ConformanceHarness(ABC):
    """One gateway with at least one instance, and two backends that run, are healthy, and say their names.

    `start` and `stop` enclose all cases. Every case uses a route of its own, and leaves it behind.
    """

    name: str
    """Names the report: `build/conformance/NAME.json`."""

    ports: tuple[Port, ...] = (Port(name="http"),)
    """The ports that the backends offer; the first takes the requests."""

    settle_seconds: float = 5.0
    """Within this time a document must be acknowledged by every instance."""

    flips: int = 20
    """How often the traffic is switched under load."""

    _numbers = count(1)

    def start(self) -> None:
        """Start the gateway and the backends, or connect to them."""
        return

    def stop(self) -> None:
        """Clean up what `start` did."""
        return

    @abstractmethod
    def adapter(self) -> SteeringAdapter:
        """A new adapter for the gateway, as another process of the service would open one."""

    @abstractmethod
    def instances(self) -> tuple[str, ...]:
        """Ids of the gateway's instances."""

    @abstractmethod
    def backends(self) -> tuple[Backend, Backend]:
        """Sides A and B."""

    def hosts(self, route: str) -> tuple[str, ...]:
        """Host names for a route; where TLS is used, certificates must cover them."""
        return (f"{route}.conformance.test",)

    def new_route(self) -> str:
        """A route name that has not been used."""
        return f"case-{next(self._numbers)}"

    async def request(self, instance: str, document: RouteDocument, *, token: str | None = None) -> Reply | None:  # noqa: ARG002, see below
        """Send one plain request on a fresh or kept connection, as a UE would; with `token`, as a probe.

        It may be called many times at once. None (the default) says that this harness offers no traffic: the cases
        that need it are skipped, and the report says so.
        """
        return None

    def stream(self, instance: str, document: RouteDocument) -> AbstractAsyncContextManager[Stream] | None:  # noqa: ARG002, see `request`
        """Open a stream through an instance; None if this harness offers none."""
        return None

    def poison(self, document: RouteDocument) -> RouteDocument | None:  # noqa: ARG002, see `request`
        """The same document, changed so that the gateway must refuse it; None if there is no such thing."""
        return None

    def cut_off(self, instance: str) -> AbstractAsyncContextManager[None] | None:  # noqa: ARG002, see `request`
        """While entered, the instance serves but cannot be controlled; None if this cannot be done."""
        return None

    def uncounted(self, instance: str) -> AbstractAsyncContextManager[None] | None:  # noqa: ARG002, see `request`
        """While entered, the instance's counters cannot be read; None if this cannot be done."""
        return None

    def unwritten(self, version: Version) -> Version:
        """A version that has not been written yet, later than `version`."""
        return str(int(version) + 1)
