# SPDX-License-Identifier: Apache-2.0
"""The other end of a control connection: keeps what it is sent, subscribes to what that refers to, acknowledges."""

from typing import Any, Self

from envoy.config.listener.v3 import listener_pb2
from envoy.service.discovery.v3 import discovery_pb2

from steering.envoy.conversation import Conversation
from steering.envoy.plan import GatewayPlan
from steering.envoy.xds import CDS, EDS, LDS, RDS, TYPES

_NAMES = {CDS: "cds", EDS: "eds", LDS: "lds", RDS: "rds"}


class Envoy:
    """A simulated one, on one connection."""

    def __init__(self, earlier: Self | None = None) -> None:
        """Args: earlier: itself on the connection before, whose resources and subscriptions it brings."""
        self.conversation = Conversation("edge-1")
        self.held = {url: dict(earlier.held[url]) if earlier else {} for url in TYPES}
        self.watched = {url: set(earlier.watched[url]) if earlier else set() for url in (EDS, RDS)}
        """Names that it is subscribed to."""
        self.refuses: dict[str, str] = dict(earlier.refuses) if earlier else {}
        """By resource, why it refuses that."""
        self.now = earlier.now if earlier else 0.0
        self.log: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        """What it took: type, names of resources, names of removed ones."""
        self.unread: list[Any] = []
        """Said to it, and not taken yet."""
        for url in (CDS, LDS, EDS, RDS):
            names = sorted(self.watched.get(url, ()))
            if url in {CDS, LDS} or names:
                self._send(url, subscribe=names, held=self.held[url])

    def exchange(self, plan: GatewayPlan) -> None:
        """Take and answer messages until nothing more is said."""
        for _ in range(20):
            self.listen(plan)
            if not self.unread:
                return
            self.answer(len(self.unread))
        raise AssertionError("it never comes to an end")

    def listen(self, plan: GatewayPlan) -> None:
        """Let the other end say what it has to say."""
        self.unread += self.conversation.say(plan, self.now)

    def answer(self, count: int) -> None:
        """Take and answer the first so many messages."""
        taken, self.unread = self.unread[:count], self.unread[count:]
        for response in taken:
            self._take(response)

    def versions(self, url: str) -> dict[str, str]:
        """What it holds of a type."""
        return self.held[url]

    def _take(self, response: Any) -> None:
        names = [resource.name for resource in response.resources]
        self.log.append((_NAMES[response.type_url], tuple(names), tuple(response.removed_resources)))
        refused = next((self.refuses[name] for name in names if name in self.refuses), None)
        self._send(response.type_url, nonce=response.nonce, error=refused)
        if refused is not None:
            return
        held = self.held[response.type_url]
        new = [resource.name for resource in response.resources if resource.name not in held]
        held.update({resource.name: resource.version for resource in response.resources})
        for name in response.removed_resources:
            held.pop(name, None)
        if response.type_url == CDS:
            self._follow(EDS, {name for name in new if ">" not in name}, set(response.removed_resources))
        if response.type_url == LDS:
            chains = {chain.name for resource in response.resources for chain in _unpack(resource).filter_chains}
            self._follow(RDS, chains - self.watched[RDS], self.watched[RDS] - chains)

    def _follow(self, url: str, new: set[str], gone: set[str]) -> None:
        """Subscribe to what is named now, and forget what is not named any more."""
        gone &= self.watched[url]
        for name in gone:
            self.held[url].pop(name, None)
        self.watched[url] = self.watched[url] - gone | new
        if new or gone:
            self._send(url, subscribe=sorted(new), unsubscribe=sorted(gone))

    def _send(
        self,
        url: str,
        *,
        subscribe: list[str] | None = None,
        unsubscribe: list[str] | None = None,
        held: dict[str, str] | None = None,
        nonce: str = "",
        error: str | None = None,
    ) -> None:
        request = discovery_pb2.DeltaDiscoveryRequest(
            type_url=url,
            resource_names_subscribe=subscribe or [],
            resource_names_unsubscribe=unsubscribe or [],
            initial_resource_versions=held or {},
            response_nonce=nonce,
        )
        if error is not None:
            request.error_detail.message = error
        self.conversation.hear(request)


def _unpack(resource: Any) -> Any:
    listener = listener_pb2.Listener()
    resource.resource.Unpack(listener)
    return listener
