# SPDX-License-Identifier: Apache-2.0
"""Which replicas know where the sides of a route listen.

An epoch proves that a replica has the route. Where it hears of endpoints by another way, that is asked for besides: once for each
Service, as what is known stays known.
"""

from collections.abc import Iterator, Sequence

from steering.gateway_api import names
from steering.gateway_api.implementations.contract import UNREADABLE, Implementation
from steering.gateway_api.settings import Replica
from steering.model import RouteDocument


class Heard:
    """Of one gateway."""

    def __init__(self, implementation: Implementation, namespace: str) -> None:
        """Args: implementation: of the gateway; namespace: of its routes."""
        self._implementation = implementation
        self._namespace = namespace
        self._known: dict[tuple[str, str], set[str]] = {}
        """Services by route and replica."""

    async def unheard(self, replica: Replica, document: RouteDocument) -> Sequence[str]:
        """The Services of a document, with endpoints, whose endpoints a replica does not know yet."""
        wanted = set(_services(document))
        where = (document.route, replica.id)
        asked = sorted(wanted - self._known.get(where, set()))
        try:
            unheard = await self._implementation.unheard(replica, self._namespace, asked) if asked else ()
        except UNREADABLE:
            return ()  # The epoch has to do for now; what is not known is asked again.
        self._known[where] = wanted - set(unheard)
        return unheard


def _services(document: RouteDocument) -> Iterator[str]:
    for side in document.backends:
        for port in document.ports:
            if side.endpoints.get(port.name):
                yield names.service(document.route, side.instance, port.name)
