# SPDX-License-Identifier: Apache-2.0
"""Which filter chains one connection's listener is to have, kept up route by route. Pure."""

from collections.abc import Mapping

from steering.envoy.listener import Chain


class Listing:
    """The listener's chains as they shall be, beside those that the gateway has accepted."""

    def __init__(self) -> None:
        """Nothing is known yet, so there is something to say."""
        self.accepted: Mapping[str, Chain] = {}
        """What the gateway last accepted on this connection, by route."""
        self.is_news = True
        """Whether the listener may have to be said anew."""
        self._wanted: dict[str, Chain] = {}
        self._unknown: set[str] = set()

    def want(self, route: str, chain: Chain | None, *, is_unknown: bool = False) -> None:
        """Say what a route's chain shall be.

        Args:
            route: the route.
            chain: its chain; None for none.
            is_unknown: the gateway's listener has a chain of this route, and nobody here knows it.
        """
        if chain == self._wanted.get(route) and is_unknown == (route in self._unknown):
            return
        self.is_news = True
        self._wanted.pop(route, None)
        self._unknown.discard(route)
        if chain is not None:
            self._wanted[route] = chain
        if is_unknown:
            self._unknown.add(route)

    def chains(self) -> dict[str, Chain] | None:
        """All of them, by route; None if the listener must be left as it is."""
        return None if self._unknown else dict(sorted(self._wanted.items()))
