# SPDX-License-Identifier: Apache-2.0
"""The steering adapter: nine methods between the orchestrator and one gateway.

An adapter is bound to one configured gateway (with one or more instances). It never judges: it writes documents,
and reports what each instance says. The conformance kit (`steering.conformance`) runs the same cases on every adapter.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

from steering.model import (
    Capabilities,
    Endpoints,
    Fence,
    InstanceAcknowledgement,
    InstanceUsage,
    ProbePoint,
    Problem,
    RouteDocument,
    RouteState,
    Version,
)


class SteeringAdapter(ABC):
    """One gateway. Every method is safe to repeat; all but `describe` raise `Unavailable` when it cannot be asked.

    *Known beforehand:* `describe`.

    *Compare-and-set, fenced:* `apply` and `remove`, the only methods that change where requests go.

    *Of an instance, not of a route:* `follow`.

    *Must say unknown rather than guess:* `acknowledged`, `usage`.

    *Read only:* `validate`, `read`, `probe_points`.
    """

    @classmethod
    @abstractmethod
    def open(cls, gateway: str, settings: Mapping[str, Any], *, database_url: str) -> Self:
        """Make the adapter of one configured gateway.

        Args:
            gateway: the gateway's configured name.
            settings: the gateway's `settings`, unchecked.
            database_url: the service's database (SQLAlchemy form), for adapters that keep their documents there.

        Raises:
            ValueError: a setting makes no sense; the text names the field and what is allowed.
        """

    @abstractmethod
    def describe(self) -> Capabilities:
        """What this adapter can do and prove."""

    @abstractmethod
    async def validate(self, document: RouteDocument) -> Sequence[Problem]:
        """Why this gateway could not carry the document without loss; empty if it can. Changes nothing."""

    @abstractmethod
    async def read(self, route: str) -> RouteState | None:
        """The route as last written, or None if this gateway has no such route."""

    @abstractmethod
    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        """Write the whole document.

        Args:
            document: the desired state.
            fence: this writer's token. An equal fence with an equal document is a repeat and answers the same version.
            base: the version that the document was derived from; None to create the route.

        Returns:
            The version of this write. It says *written* (E0), nothing more.

        Raises:
            Fenced: a higher fence has written, or the same fence wrote something else.
            Conflict: the route is not at `base`.
            Rejected: the document can never be carried here.
        """

    @abstractmethod
    async def remove(self, route: str, *, fence: Fence, base: Version) -> None:
        """Take a whole route away, with everything that was made for it: its application is no longer placed.

        Where there is no such route (any more), nothing is done. One of that name that is written later begins with `base`
        None, and above every version before.

        Args:
            route: by its name.
            fence: this writer's token, as for `apply`.
            base: the version that was read.

        Raises:
            Fenced: a higher fence has written, or the same fence wrote a document.
            Conflict: the route is not at `base`.
            Rejected: what stands under that name is somebody else's.
        """

    @abstractmethod
    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """Say where a placed instance listens now, in every route that names it, without a new version of any.

        It stays so when a later document names the instance with the endpoints that it was documented with before: the
        document may be older than the move.

        Args:
            instance: by its own name, not by its side's.
            endpoints: at least one for each port; of ports that a route does not have nothing is said.

        Returns:
            Whether any route here names the instance; if none does, nothing was kept.

        Raises:
            ValueError: a port has no endpoint; a gateway is never told to forget a backend this way.
        """

    @abstractmethod
    async def acknowledged(self, route: str, version: Version) -> Sequence[InstanceAcknowledgement]:
        """What every expected instance says about this version: at least one entry, and one per instance."""

    @abstractmethod
    async def usage(self, route: str, backend: str) -> Sequence[InstanceUsage]:
        """What every expected instance counts on this backend now; probes are not counted."""

    @abstractmethod
    async def probe_points(self, route: str) -> Sequence[ProbePoint]:
        """How to reach every expected instance's listener as a UE would."""

    async def close(self) -> None:
        """Let go of connections. Nothing on the gateway changes."""
        return


def check_endpoints(endpoints: Endpoints) -> None:
    """See that `follow` was told something.

    Raises:
        ValueError: a port has no endpoint, or there is no port.
    """
    empty = [port for port, found in endpoints.items() if not found]
    if empty or not endpoints:
        raise ValueError(f"endpoints: at least one for every port; none for {', '.join(empty) or 'any'}")
