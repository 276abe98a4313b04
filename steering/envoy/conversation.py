# SPDX-License-Identifier: Apache-2.0
"""One control connection's side of delta xDS: what was heard, and what is to be said next. Pure, without I/O.

Each route stands alone: its clusters, endpoints and routes go in messages of their own, so that a refusal names its
route, and nothing waits for another route's warming clusters. Within a route a change is made before it breaks:
clusters, endpoints, (listener,) routes; clusters are dropped after the routes that no longer name them were
acknowledged. Nothing is ever taken away for want of knowledge: only what the database says was removed is removed, and
a route of which the gateway reports a newer version than the database's is left as it is (reference: envoy.md, 9).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count

from envoy.service.discovery.v3 import discovery_pb2

from steering.envoy.listener import LISTENER
from steering.envoy.names import route_of
from steering.envoy.plan import GatewayPlan, RoutePlan
from steering.envoy.topic import Push, Request, Response, Topic
from steering.envoy.xds import CDS, EDS, LDS, RDS, SHORT, TYPES, Json, Resource, content, route_version
from steering.store.gateways import Stand


class Conversation:
    """The state of one control connection."""

    def __init__(self, instance: str) -> None:
        """Args: instance: the gateway instance's id."""
        self._instance = instance
        self._topics = {type_url: Topic(type_url) for type_url in TYPES}
        self._nonces = count(1)
        self._stands: dict[str, Stand] = {}
        self._changed: set[str] = set()
        self._held: set[str] = set()
        """Routes of which the gateway holds something."""
        self._chains: Mapping[str, Json] = {}
        """Filter chains of the listener that the gateway last accepted on this connection, by route."""
        self._singly = False
        """The clusters of several routes at once were refused: from now on route by route, to find out whose they were."""
        self._judged: dict[str, int] = {}
        """Versions of routes that refusals are remembered for; another version deserves another try."""
        self._leaving: dict[str, float] = {}
        """Clusters that no route names any more, and when they go."""

    # -- hearing -------------------------------------------------------------------------------------------------------

    def hear(self, request: Request) -> None:
        """Take in one request: subscriptions, acknowledgement or refusal."""
        topic = self._topics.get(request.type_url)
        if topic is None:
            return
        if not topic.asked:
            self._held |= {route_of(name) for name in request.initial_resource_versions if topic.type_url != LDS}
        topic.hear_names(request)
        push = topic.pushes.pop(request.response_nonce, None)
        if push is None:
            return
        if request.HasField("error_detail"):
            self._hear_refusal(topic, push, request.error_detail.message)
        else:
            self._hear_acceptance(topic, push)

    def take_changes(self) -> Mapping[str, Stand]:
        """Where routes stand, for those of which that changed since the last call."""
        changed = {route: self._stands[route] for route in self._changed}
        self._changed = set()
        return changed

    def _hear_acceptance(self, topic: Topic, push: Push) -> None:
        topic.accept(push)
        if topic.type_url == LDS:
            self._chains = push.chains
        if topic.type_url == RDS:
            for route, version in push.routes.items():
                self._applied(route, version)

    def _hear_refusal(self, topic: Topic, push: Push, reason: str) -> None:
        if topic.type_url == CDS and len(push.routes) > 1:
            topic.refuse(push, remember=False)
            self._singly = True
            return
        topic.refuse(push, remember=True)
        for route, version in push.routes.items():
            self._refused(route, version, f"{SHORT[topic.type_url]}: {reason}")

    def _applied(self, route: str, version: int) -> None:
        stand = self._stands.get(route, Stand())
        rejected = stand.rejected if stand.rejected > version else 0
        reason = stand.reason if rejected else ""
        self._note(route, Stand(applied=version, held=max(stand.held, version), rejected=rejected, reason=reason))

    def _refused(self, route: str, version: int, reason: str) -> None:
        self._note(route, replace(self._stands.get(route, Stand()), rejected=version, reason=reason))

    def _note(self, route: str, stand: Stand) -> None:
        if self._stands.get(route) != stand:
            self._stands[route] = stand
            self._changed.add(route)

    # -- saying --------------------------------------------------------------------------------------------------------

    def say(self, plan: GatewayPlan, now: float) -> list[Response]:
        """What to send now, in order.

        Args:
            plan: what this gateway shall hold.
            now: a monotonic clock, in seconds.
        """
        self._take_stock(plan)
        routes = [one for one in plan.routes.values() if not self._is_ahead(one)]
        return [
            *self._say_clusters(routes),
            *self._say_endpoints(routes),
            *self._say_listener(plan),
            *self._say_routing(plan, routes),
            *self._say_goodbye(plan, routes, now),
        ]

    def _take_stock(self, plan: GatewayPlan) -> None:
        """Where routes stand by what the gateway brought with it, and by what is new in the plan."""
        self._forgive(plan)
        for route, (version, reason) in plan.broken.items():
            self._refused(route, version, reason)
        for route, brought in self._topics[RDS].acked.items():
            version = route_version(brought)
            known = plan.routes.get(route)
            stand = self._stands.get(route, Stand())
            if known is None and route not in plan.removed and route not in plan.broken:
                self._note(route, replace(stand, held=version, reason="the database does not know this route"))
            elif known is not None and version > known.version:
                reason = f"holds version {version}, newer than the database's {known.version}: left as it is"
                self._note(route, replace(stand, held=version, rejected=known.version, applied=0, reason=reason))
            elif known is not None and not stand.applied:
                self._applied(route, version)

    def _forgive(self, plan: GatewayPlan) -> None:
        versions = {route: one.version for route, one in plan.routes.items()}
        fresh = {route for route, version in versions.items() if self._judged.get(route) != version}
        self._judged = versions
        if fresh:
            self._topics[LDS].refused.clear()
        for type_url in (CDS, EDS):
            refused = self._topics[type_url].refused
            for name in [name for name in refused if route_of(name) in fresh]:
                del refused[name]

    def _is_ahead(self, plan: RoutePlan) -> bool:
        """Whether the gateway holds a newer version of this route than the database: an older copy must not win."""
        endpoints = self._topics[EDS].acked
        held = [endpoints[name] for name in endpoints if route_of(name) == plan.route]
        held.append(self._topics[RDS].acked.get(plan.route, ""))
        return max(map(route_version, held)) > plan.version

    def _say_clusters(self, routes: Iterable[RoutePlan]) -> list[Response]:
        topic = self._topics[CDS]
        if not topic.asked:
            return []
        wanted = [(one, [res for res in one.clusters.values() if topic.lacks(res)]) for one in routes]
        every = [res for _, found in wanted for res in found]
        for res in every:
            if res.name in topic.sent:
                # A rebuilt cluster waits for endpoints even if they are the same as before (xds_protocol: EDS).
                self._topics[EDS].sent.pop(res.name, None)
        if not topic.answered and not self._singly:
            # At first everything in one message: a starting Envoy listens once the first answer's clusters are warm.
            return [self._push(topic, {one.route: one.version for one, found in wanted if found}, every)]
        return [self._push(topic, {one.route: one.version}, found) for one, found in wanted if found]

    def _say_endpoints(self, routes: Iterable[RoutePlan]) -> list[Response]:
        topic = self._topics[EDS]
        said = []
        for one in routes:
            found = [
                res
                for res in one.endpoints.values()
                if res.name in topic.names
                and topic.lacks(res)
                and content(topic.sent.get(res.name, "")) != content(res.version)
            ]
            if found:
                said.append(self._push(topic, {one.route: one.version}, found))
        return said

    def _say_listener(self, plan: GatewayPlan) -> list[Response]:
        topic = self._topics[LDS]
        chains = self._listable(plan) if topic.asked and self._topics[CDS].asked else None
        if chains is None:
            return []
        wanted = plan.listener(self._instance, chains.values())
        if wanted is not None and topic.acked.get(LISTENER) == topic.sent.get(LISTENER) == wanted.version:
            self._chains = chains
        if wanted is not None and topic.lacks(wanted):
            new = [route for route in chains if chains[route] != self._chains.get(route) and route in plan.routes]
            return [self._push(topic, {route: plan.routes[route].version for route in new}, [wanted], chains=chains)]
        if LISTENER in topic.sent and plan.removed and not plan.routes:
            return [self._push(topic, {}, [], removed=(LISTENER,))]
        return [] if topic.answered or plan.routes else [self._push(topic, {}, [])]

    def _listable(self, plan: GatewayPlan) -> dict[str, Json] | None:
        """The filter chains to put into the listener, by route; None if it must be left as it is."""
        has_listener = LISTENER in self._topics[LDS].sent
        held = self._held if has_listener else set()
        lost = (held | self._chains.keys()) - plan.routes.keys() - plan.removed.keys()
        if lost - self._chains.keys():
            return None
        ready = {
            route: one.chain
            for route, one in plan.routes.items()
            if route in self._chains or route in held or self._is_ready(one)
        }
        return dict(sorted((ready | {route: self._chains[route] for route in lost}).items()))

    def _is_listed(self, plan: GatewayPlan, one: RoutePlan) -> bool:
        """Whether the listener leads this route's hosts, as they are now, to it."""
        if plan.bind(self._instance) is None:
            return True
        if one.route in self._chains:
            return self._chains[one.route] == one.chain
        return not self._topics[LDS].pushes

    def _is_ready(self, plan: RoutePlan) -> bool:
        """Whether the gateway has taken every cluster of this route and its endpoints (not: whether they are warm)."""
        clusters, endpoints = self._topics[CDS].sent, self._topics[EDS].acked
        return all(clusters.get(res.name) == res.version for res in plan.clusters.values()) and all(
            content(endpoints.get(res.name, "")) == content(res.version) for res in plan.endpoints.values()
        )

    def _say_routing(self, plan: GatewayPlan, routes: Iterable[RoutePlan]) -> list[Response]:
        topic = self._topics[RDS]
        said = [
            self._push(topic, {one.route: one.version}, [one.routing])
            for one in routes
            if one.route in topic.names
            and topic.lacks(one.routing)
            and self._is_ready(one)
            and self._is_listed(plan, one)
        ]
        if plan.settings.listener is None:
            for route in sorted(topic.names & plan.removed.keys()):
                farewell = plan.farewell(route)
                if topic.lacks(farewell):
                    said.append(self._push(topic, {route: plan.removed[route]}, [farewell]))
        return said

    def _say_goodbye(self, plan: GatewayPlan, routes: Iterable[RoutePlan], now: float) -> list[Response]:
        topic = self._topics[CDS]
        done = {one.route: one for one in routes if self._topics[RDS].acked.get(one.route) == one.routing.version}
        gone: dict[str, list[str]] = {}
        for name in list(topic.sent):
            route = route_of(name)
            if route in done and name not in done[route].clusters:
                due = self._leaving.setdefault(name, now + done[route].linger_seconds)
            elif route in plan.removed and self._is_forgotten(plan, route):
                due = now
            else:
                self._leaving.pop(name, None)
                continue
            if due <= now:
                gone.setdefault(route, []).append(name)
        return [self._push(topic, {}, [], removed=tuple(names)) for names in gone.values()]

    def _is_forgotten(self, plan: GatewayPlan, route: str) -> bool:
        """Whether nothing on the gateway leads to this removed route any more."""
        if plan.settings.listener is None:
            brought = self._topics[RDS]
            return route not in brought.names or brought.acked.get(route) == plan.farewell(route).version
        topic = self._topics[LDS]
        return topic.asked and not topic.pushes and route not in self._chains

    def _push(
        self,
        topic: Topic,
        routes: Mapping[str, int],
        resources: list[Resource],
        *,
        removed: tuple[str, ...] = (),
        chains: Mapping[str, Json] | None = None,
    ) -> Response:
        nonce = str(next(self._nonces))
        versions = {res.name: res.version for res in resources}
        topic.answered = True
        topic.sent.update(versions)
        for name in removed:
            topic.sent.pop(name, None)
            self._leaving.pop(name, None)
        topic.pushes[nonce] = Push(routes, versions, removed, chains or {})
        packed = [discovery_pb2.Resource(name=r.name, version=r.version, resource=r.body) for r in resources]
        return discovery_pb2.DeltaDiscoveryResponse(
            type_url=topic.type_url, nonce=nonce, resources=packed, removed_resources=removed
        )
