# SPDX-License-Identifier: Apache-2.0
"""One control connection's side of delta xDS: what was heard, and what is to be said next. Pure, without I/O.

Each route stands alone: its clusters, endpoints and routes go in messages of their own, so that a refusal names its
route, and nothing waits for another route's warming clusters. Within a route a change is made before it breaks:
clusters, endpoints, (listener,) routes; clusters are dropped after the routes that no longer name them were
acknowledged. Nothing is ever taken away for want of knowledge: only what the database says was removed is removed, and
a route of which the gateway reports a newer version than the database's is left as it is (reference: envoy.md, 9).

What one change costs does not grow with the number of routes: only routes of which there is news are looked at. News is
another plan of the route, a word of the gateway about it, and the end of its clusters' lingering. The listener is all
routes' common matter, so news of the listener is news of every route.
"""

from collections.abc import Iterable, Mapping
from itertools import count

from envoy.service.discovery.v3 import discovery_pb2

from steering.envoy.listener import LISTENER, Chain
from steering.envoy.listing import Listing
from steering.envoy.names import route_of
from steering.envoy.plan import GatewayPlan, RoutePlan, differing
from steering.envoy.stands import Stands
from steering.envoy.topic import Push, Request, Response, Topic
from steering.envoy.xds import CDS, EDS, LDS, RDS, SHORT, TYPES, Resource, content, route_version
from steering.store.gateways import Stand


class Conversation:
    """The state of one control connection."""

    def __init__(self, instance: str) -> None:
        """Args: instance: the gateway instance's id."""
        self._instance = instance
        self._topics = {type_url: Topic(type_url) for type_url in TYPES}
        self._nonces = count(1)
        self._stands = Stands()
        self._plan: GatewayPlan | None = None
        """The plan that was last looked at."""
        self._news: set[str] = set()
        """Routes about which something may be to be said."""
        self._is_all_news = True
        self._held: set[str] = set()
        """Routes of which the gateway holds something."""
        self._listing = Listing()
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
            self._is_all_news = True
        topic.hear_names(request)
        self._news |= {route_of(name) for name in request.resource_names_subscribe}
        self._news |= {route_of(name) for name in request.resource_names_unsubscribe}
        push = topic.pushes.pop(request.response_nonce, None)
        if push is None:
            return
        self._news |= push.routes.keys()
        self._is_all_news = self._is_all_news or topic.type_url == LDS
        if request.HasField("error_detail"):
            self._hear_refusal(topic, push, request.error_detail.message)
        else:
            self._hear_acceptance(topic, push)

    def take_changes(self) -> Mapping[str, Stand]:
        """Where routes stand, for those of which that changed since the last call."""
        return self._stands.take_changes()

    def _hear_acceptance(self, topic: Topic, push: Push) -> None:
        topic.accept(push)
        if topic.type_url == LDS:
            self._listing.accepted = push.chains
        if topic.type_url == RDS:
            for route, version in push.routes.items():
                self._stands.applied(route, version)

    def _hear_refusal(self, topic: Topic, push: Push, reason: str) -> None:
        if topic.type_url == CDS and len(push.routes) > 1:
            topic.refuse(push, remember=False)
            self._singly = True
            return
        topic.refuse(push, remember=True)
        for route, version in push.routes.items():
            self._stands.refused(route, version, f"{SHORT[topic.type_url]}: {reason}")

    # -- saying --------------------------------------------------------------------------------------------------------

    def say(self, plan: GatewayPlan, now: float) -> list[Response]:
        """What to send now, in order.

        Args:
            plan: what this gateway shall hold.
            now: a monotonic clock, in seconds.
        """
        self._news |= {route_of(name) for name, due in self._leaving.items() if due <= now}
        said = self._say_about(plan, self._take_news(plan), now)
        while self._news or self._is_all_news:
            said += self._say_about(plan, self._take_news(plan), now)
        return said

    def _take_news(self, plan: GatewayPlan) -> list[str]:
        news, self._news = self._news, set()
        if plan is not self._plan:
            news |= differing(plan, self._plan)
            # Where the listener binds stands in the settings.
            self._is_all_news |= self._plan is None or plan.settings is not self._plan.settings
        if self._is_all_news:
            for known in (plan.routes, plan.removed, plan.broken, self._listing.accepted, self._held):
                news |= set(known)
            self._listing.is_news = True
        self._plan, self._is_all_news = plan, False
        return sorted(news)

    def _say_about(self, plan: GatewayPlan, news: list[str], now: float) -> list[Response]:
        for route in news:
            self._take_stock(plan, route)
        planned = [plan.routes[route] for route in news if route in plan.routes]
        routes = [one for one in planned if not self._is_ahead(one)]
        return [
            *self._say_clusters(routes),
            *self._say_endpoints(routes),
            *self._say_listener(plan, news),
            *self._say_routing(plan, routes),
            *self._say_farewell(plan, news),
            *self._say_goodbye(plan, news, routes, now),
        ]

    def _take_stock(self, plan: GatewayPlan, route: str) -> None:
        """Where a route stands by what the gateway brought with it, and by what is new in the plan."""
        known = plan.routes.get(route)
        self._forgive(route, known)
        if route in plan.broken:
            self._stands.refused(route, *plan.broken[route])
        brought = self._topics[RDS].acked.get(route)
        if brought is None:
            return
        version = route_version(brought)
        if known is not None and version > known.version:
            self._stands.brought_newer(route, version, known.version)
        elif known is not None:
            self._stands.brought(route, version)
        elif route not in plan.removed and route not in plan.broken:
            self._stands.brought_unknown(route, version)

    def _forgive(self, route: str, known: RoutePlan | None) -> None:
        if known is None:
            self._judged.pop(route, None)
            return
        if self._judged.get(route) == known.version:
            return
        self._judged[route] = known.version
        if self._topics[LDS].refused:
            self._topics[LDS].refused.clear()
            self._listing.is_news = True
        for type_url in (CDS, EDS):
            refused = self._topics[type_url].refused
            for name in list(refused.of(route)):
                del refused[name]

    def _is_ahead(self, plan: RoutePlan) -> bool:
        """Whether the gateway holds a newer version of this route than the database: an older copy must not win."""
        held = [*self._topics[EDS].acked.of(plan.route).values(), self._topics[RDS].acked.get(plan.route, "")]
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

    def _say_listener(self, plan: GatewayPlan, news: Iterable[str]) -> list[Response]:
        topic = self._topics[LDS]
        for route in news:
            self._list(plan, route)
        if not (topic.asked and self._topics[CDS].asked and self._listing.is_news) or topic.pushes:
            # One listener after the other: while one is on its way, what else becomes ready gathers for the next.
            return []
        chains = self._listing.chains()
        if chains is None:
            return []
        self._listing.is_news = not topic.answered
        wanted = plan.listener(self._instance, chains.values())
        if wanted is not None and topic.acked.get(LISTENER) == topic.sent.get(LISTENER) == wanted.version:
            self._is_all_news = self._is_all_news or self._listing.accepted != chains
            self._listing.accepted = chains
        if wanted is not None and topic.lacks(wanted):
            accepted = self._listing.accepted
            new = [route for route in chains if chains[route] != accepted.get(route) and route in plan.routes]
            return [self._push(topic, {route: plan.routes[route].version for route in new}, [wanted], chains=chains)]
        if LISTENER in topic.sent and plan.removed and not plan.routes:
            return [self._push(topic, {}, [], removed=(LISTENER,))]
        return [] if topic.answered or plan.routes else [self._push(topic, {}, [])]

    def _list(self, plan: GatewayPlan, route: str) -> None:
        """Say which filter chain of this route belongs into the listener."""
        accepted = self._listing.accepted.get(route)
        has_held = route in self._held and LISTENER in self._topics[LDS].sent
        one = plan.routes.get(route)
        if one is not None:
            is_listable = accepted is not None or has_held or self._is_ready(one)
            self._listing.want(route, one.chain if is_listable else None)
        elif route in plan.removed:
            self._listing.want(route, None)
        else:
            self._listing.want(route, accepted, is_unknown=has_held and accepted is None)

    def _is_listed(self, plan: GatewayPlan, one: RoutePlan) -> bool:
        """Whether the listener leads this route's hosts, as they are now, to it."""
        if plan.bind(self._instance) is None:
            return True
        accepted = self._listing.accepted.get(one.route)
        if accepted is not None:
            return accepted == one.chain
        return not self._topics[LDS].pushes

    def _is_ready(self, plan: RoutePlan) -> bool:
        """Whether the gateway has taken every cluster of this route and its endpoints (not: whether they are warm)."""
        clusters, endpoints = self._topics[CDS].sent, self._topics[EDS].acked
        return all(clusters.get(res.name) == res.version for res in plan.clusters.values()) and all(
            content(endpoints.get(res.name, "")) == content(res.version) for res in plan.endpoints.values()
        )

    def _say_routing(self, plan: GatewayPlan, routes: Iterable[RoutePlan]) -> list[Response]:
        topic = self._topics[RDS]
        return [
            self._push(topic, {one.route: one.version}, [one.routing])
            for one in routes
            if one.route in topic.names
            and topic.lacks(one.routing)
            and self._is_ready(one)
            and self._is_listed(plan, one)
        ]

    def _say_farewell(self, plan: GatewayPlan, news: Iterable[str]) -> list[Response]:
        topic = self._topics[RDS]
        if plan.settings.listener is not None:
            return []
        farewells = [plan.farewell(route) for route in news if route in topic.names and route in plan.removed]
        return [self._push(topic, {one.name: plan.removed[one.name]}, [one]) for one in farewells if topic.lacks(one)]

    def _say_goodbye(
        self, plan: GatewayPlan, news: Iterable[str], routes: Iterable[RoutePlan], now: float
    ) -> list[Response]:
        topic = self._topics[CDS]
        done = {one.route: one for one in routes if self._topics[RDS].acked.get(one.route) == one.routing.version}
        gone: dict[str, list[str]] = {}
        for name in [name for route in news for name in topic.sent.of(route)]:
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
        return topic.asked and not topic.pushes and route not in self._listing.accepted

    def _push(
        self,
        topic: Topic,
        routes: Mapping[str, int],
        resources: list[Resource],
        *,
        removed: tuple[str, ...] = (),
        chains: Mapping[str, Chain] | None = None,
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
