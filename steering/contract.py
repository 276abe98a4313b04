# SPDX-License-Identifier: Apache-2.0
"""The steering adapter: seven methods between the orchestrator and one gateway.

An adapter is bound to one configured gateway (with one or more instances). It never judges: it writes documents,
and reports what each instance says. The conformance kit (`steering.conformance`) runs the same cases on every adapter.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

from steering.model import (
    Capabilities,
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

    *Compare-and-set, fenced:* `apply`. The only method that changes anything.

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
