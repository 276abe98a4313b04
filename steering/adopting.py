# SPDX-License-Identifier: Apache-2.0
"""What an adapter can do besides, whose gateways may have routes that are not ours: take one over, and give it back.

An adapter that offers this is a `RouteAdopter` as well. Between the two stands the *claimed* form of a document: what was there
before takes every request, and ours stands beside it without weight. A claimed document is read, acknowledged and followed by
`apply` as any other.
"""

from abc import ABC, abstractmethod

from steering.model import Fence, Model, RouteDocument, Version


class Adoptable(Model):
    """A route as somebody else made it."""

    name: str
    """As its own API calls it."""
    changes: tuple[str, ...] = ()
    """What would be different for its users or its owner, a sentence each."""
    problems: tuple[str, ...] = ()
    """Why it cannot be adopted as it is; empty if it can."""


class RouteAdopter(ABC):
    """Takes routes over, and gives them back. Every method may be repeated, and raises `Unavailable` as adapters do."""

    @abstractmethod
    async def adoptable(self, document: RouteDocument) -> Adoptable | None:
        """What stands where this document would; None where nothing does, or it is ours already. Changes nothing."""

    @abstractmethod
    async def claim(self, document: RouteDocument, *, fence: Fence) -> Version | None:
        """Write the claimed form: of a route that is to be adopted, or of one that is to be given back.

        Returns:
            The version of this write; None where somebody has given an adopted route back already: no rule of ours is in it.

        Raises:
            Fenced: a higher fence has written.
            Conflict: somebody else has changed an adopted route.
            Rejected: it cannot be adopted, or never was; or what was there before serves nobody any more.
        """

    @abstractmethod
    async def release(self, route: str, *, fence: Fence) -> None:
        """Take away what is left of us on a claimed route; one that is not ours is fine.

        Raises:
            Fenced: a higher fence has written.
            Rejected: it is not claimed, and rules of ours take its requests.
        """
