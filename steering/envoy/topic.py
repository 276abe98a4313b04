# SPDX-License-Identifier: Apache-2.0
"""What has been said and heard about one type of resource on one control connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steering.envoy.xds import Json, Resource

Request = Any
"""`DeltaDiscoveryRequest`; the generated messages carry no types."""
Response = Any
"""`DeltaDiscoveryResponse`."""


@dataclass(frozen=True)
class Push:
    """One response on its way: what it carries, until it is acknowledged or refused."""

    routes: Mapping[str, int]
    """Versions of the routes it is about."""
    versions: Mapping[str, str]
    removed: tuple[str, ...]
    chains: Mapping[str, Json]
    """For a listener: its filter chains by route."""


@dataclass
class Topic:
    """One resource type on this connection."""

    type_url: str
    asked: bool = False
    answered: bool = False
    names: set[str] = field(default_factory=set)
    """What is subscribed by name; clusters and listeners are always subscribed as a whole."""
    sent: dict[str, str] = field(default_factory=dict)
    """What the gateway has, or will have once it has read all that was said."""
    acked: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    pushes: dict[str, Push] = field(default_factory=dict)

    def hear_names(self, request: Request) -> None:
        """Take over subscriptions, and at first what the gateway holds from earlier."""
        held = dict(request.initial_resource_versions) if not self.asked else {}
        if not self.asked:
            self.asked = True
            self.sent, self.acked = dict(held), dict(held)
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
        return resource.version not in {self.sent.get(resource.name), self.refused.get(resource.name)}

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
