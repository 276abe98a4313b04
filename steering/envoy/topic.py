# SPDX-License-Identifier: Apache-2.0
"""What has been said and heard about one type of resource on one control connection."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from steering.envoy.listener import Chain
from steering.envoy.names import route_of
from steering.envoy.xds import Resource

Request = Any
"""`DeltaDiscoveryRequest`; the generated messages carry no types."""
Response = Any
"""`DeltaDiscoveryResponse`."""

_NONE: Mapping[str, str] = MappingProxyType({})


class Versions(MutableMapping[str, str]):
    """Versions by a resource's name, where those of one route are found without looking at all others."""

    def __init__(self, versions: Mapping[str, str] = _NONE) -> None:
        """Args: versions: what it begins with."""
        self._by_route: dict[str, dict[str, str]] = {}
        self.update(versions)

    def of(self, route: str) -> Mapping[str, str]:
        """Those of one route."""
        return self._by_route.get(route, _NONE)

    def __getitem__(self, name: str) -> str:
        return self.of(route_of(name))[name]

    def __setitem__(self, name: str, version: str) -> None:
        self._by_route.setdefault(route_of(name), {})[name] = version

    def __delitem__(self, name: str) -> None:
        found = self._by_route.get(route_of(name), {})
        del found[name]
        if not found:
            del self._by_route[route_of(name)]

    def __iter__(self) -> Iterator[str]:
        return (name for found in self._by_route.values() for name in found)

    def __len__(self) -> int:
        return sum(map(len, self._by_route.values()))


@dataclass(frozen=True)
class Push:
    """One response on its way: what it carries, until it is acknowledged or refused."""

    routes: Mapping[str, int]
    """Versions of the routes it is about."""
    versions: Mapping[str, str]
    removed: tuple[str, ...]
    chains: Mapping[str, Chain]
    """For a listener: its filter chains by route."""


@dataclass
class Topic:
    """One resource type on this connection."""

    type_url: str
    asked: bool = False
    answered: bool = False
    names: set[str] = field(default_factory=set)
    """What is subscribed by name; clusters and listeners are always subscribed as a whole."""
    sent: Versions = field(default_factory=Versions)
    """What the gateway has, or will have once it has read all that was said."""
    acked: Versions = field(default_factory=Versions)
    refused: Versions = field(default_factory=Versions)
    pushes: dict[str, Push] = field(default_factory=dict)

    def hear_names(self, request: Request) -> None:
        """Take over subscriptions, and at first what the gateway holds from earlier."""
        held = dict(request.initial_resource_versions) if not self.asked else {}
        if not self.asked:
            self.asked = True
            self.sent, self.acked = Versions(held), Versions(held)
        for name in request.resource_names_subscribe:
            self.names.add(name)
            if name not in held:
                self.sent.pop(name, None)
        for name in request.resource_names_unsubscribe:
            self.names.discard(name)
            for known in (self.sent, self.acked, self.refused):
                known.pop(name, None)

    def lacks(self, resource: Resource) -> bool:
        """Whether this exact resource is still to be said: neither sent nor refused."""
        name, route = resource.name, route_of(resource.name)
        return resource.version not in {self.sent.of(route).get(name), self.refused.of(route).get(name)}

    def accept(self, push: Push) -> None:
        """The gateway applied it."""
        self.acked.update(push.versions)
        for name in push.removed:
            self.acked.pop(name, None)

    def refuse(self, push: Push, *, remember: bool) -> None:
        """The gateway refused it and goes on with what it had."""
        for name, version in push.versions.items():
            if remember:
                self.refused[name] = version
            if self.sent.get(name) == version:
                self.sent.pop(name)
                if name in self.acked:
                    self.sent[name] = self.acked[name]
