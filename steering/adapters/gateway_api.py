# SPDX-License-Identifier: Apache-2.0
"""A gateway that is steered through the Kubernetes Gateway API (`steering.gateway_api`).

The documents are in the cluster, in the routes that they are; nothing is kept in the database.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Self, TypeVar

from steering.adopting import Adoptable, RouteAdopter
from steering.contract import SteeringAdapter, check_endpoints
from steering.errors import Rejected, Unavailable, UnknownRoute
from steering.gateway_api import adoption, checks, names, replicas
from steering.gateway_api.acknowledging import judged, pending, silent
from steering.gateway_api.asking import Asker
from steering.gateway_api.drift import drift, version
from steering.gateway_api.heard import Heard
from steering.gateway_api.implementations import KINDS as IMPLEMENTATIONS
from steering.gateway_api.kinds import KINDS
from steering.gateway_api.routes import Routes, Standing, number_of
from steering.gateway_api.settings import GatewayApiSettings, Replica
from steering.gateway_api.surroundings import Surroundings
from steering.kubernetes.api import Api
from steering.kubernetes.errors import KubernetesError
from steering.kubernetes.keepers import keeper_of
from steering.listening import knock
from steering.model import (
    Acknowledgement,
    Capabilities,
    Endpoints,
    Fence,
    InstanceAcknowledgement,
    InstanceUsage,
    ProbePoint,
    Problem,
    RouteDocument,
    RouteState,
    Rung,
    Version,
)

KNOWN_SECONDS = 0.5
"""While replicas are asked again and again, the route itself is read anew no more often than this."""

_T = TypeVar("_T")


class GatewayApiAdapter(SteeringAdapter, RouteAdopter):
    """One Gateway, and its replicas."""

    def __init__(self, gateway: str, settings: GatewayApiSettings) -> None:
        """Args: gateway: its configured name; settings: checked."""
        self._gateway = gateway
        self._settings = settings
        self._api = Api(settings.connection, manager=names.MANAGER)
        self._routes = Routes(self._api, gateway, settings)
        self._surroundings = Surroundings(self._api, gateway, settings)
        self._asker = Asker(settings.tls, KINDS[settings.kind])
        self._implementation = IMPLEMENTATIONS[settings.implementation]()
        self._heard = Heard(self._implementation, settings.namespace)

    @classmethod
    def open(cls, gateway: str, settings: Mapping[str, Any], *, database_url: str) -> Self:  # noqa: ARG003, it needs none
        """See the contract; a pydantic `ValidationError`, which names the field, is a `ValueError`."""
        checked = GatewayApiSettings.model_validate(settings)
        lack = IMPLEMENTATIONS[checked.implementation].lacks.get(checked.kind)
        if lack is not None:
            raise ValueError(f"kind: {lack}")
        return cls(gateway, checked)

    def describe(self) -> Capabilities:
        """Per request, by percent; each replica is asked what it answers by; counted where the implementation counts."""
        rungs = {Rung.WRITTEN, Rung.OBSERVED, Rung.ACKNOWLEDGED}
        if self._implementation.counts_in_flight:
            rungs.add(Rung.DRAINED)
        return Capabilities(
            rungs=frozenset(rungs),
            weights="percent",
            granularity="request",
            bound="unknown",
            protocols=KINDS[self._settings.kind].protocols,
            probe_paths=True,
            failover=False,
        )

    async def validate(self, document: RouteDocument) -> Sequence[Problem]:
        """The document itself, the Gateway's listeners, and who else has its hosts."""
        found = list(checks.problems(document, self._settings))
        found += await self._asked(self._surroundings.problems(document))
        if not self._implementation.counts_in_flight:
            reason = f"implementation {self._settings.implementation} does not count what is open: no drain is proven"
            found.append(Problem(field="implementation", reason=reason, fatal=False))
        return found

    async def read(self, route: str) -> RouteState | None:
        """From the object."""
        standing = await self._asked(self._routes.read(route))
        if standing is None:
            return None
        record = standing.record
        return RouteState(
            document=record.document,
            version=version(standing.object, record, self._settings),
            fence=record.fence,
            drift=drift(standing.object, record, self._settings),
            kept_by=keeper_of(standing.object),
        )

    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        """One write of the object; the Services that it names are made before."""
        fatal = [problem for problem in checks.problems(document, self._settings) if problem.fatal]
        if fatal:
            raise Rejected("; ".join(f"{problem.field}: {problem.reason}" for problem in fatal))
        return str(await self._asked(self._routes.write(document, fence, base)))

    async def remove(self, route: str, *, fence: Fence, base: Version) -> None:
        """The object goes, and its Services with it, as they belong to it; one with rules of others is refused."""
        await self._asked(self._routes.remove(route, fence, base))

    async def adoptable(self, document: RouteDocument) -> Adoptable | None:
        """The HTTPRoute of that name, if it carries no document."""
        found = await self._asked(self._routes.strange(document.route))
        if found is None:
            return None
        said = [f"{one.field}: {one.reason}" for one in checks.problems(document, self._settings) if one.fatal]
        around = await self._asked(self._surroundings.problems(document))
        # That it is not ours is what is to be changed.
        said += [f"{one.field}: {one.reason}" for one in around if one.fatal and one.field != "route"]
        return Adoptable(
            name=f"HTTPRoute {self._settings.namespace}/{document.route}",
            changes=tuple(adoption.changes(found, document)),
            problems=(*adoption.problems(found, document, self._settings), *said),
        )

    async def claim(self, document: RouteDocument, *, fence: Fence) -> Version | None:
        """One write of the HTTPRoute, as `apply`."""
        number = await self._asked(self._routes.claim(document, fence))
        return None if number is None else str(number)

    async def release(self, route: str, *, fence: Fence) -> None:
        """One write of the HTTPRoute, which is theirs again; then our Services go."""
        await self._asked(self._routes.release(route, fence))

    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """To the EndpointSlices of the instance's Services."""
        check_endpoints(endpoints)
        return await self._asked(self._routes.follow(instance, endpoints))

    async def acknowledged(self, route: str, version: Version) -> Sequence[InstanceAcknowledgement]:
        """By what each replica answers; a later write than is known of is looked up."""
        asked = number_of(version) or 0
        standing = await self._known(route)
        if asked > standing.record.version:
            standing = await self._known(route, within=0.0)
        expected = await self._replicas()
        return await asyncio.gather(*(self._stands(replica, asked, standing) for replica in expected))

    async def usage(self, route: str, backend: str) -> Sequence[InstanceUsage]:
        """From each replica's own counters, where its implementation has them."""
        document = (await self._known(route)).record.document
        side = document.backend(backend)
        expected = await self._replicas()
        if side is None:
            reason = f"the route knows no {backend}"
            return [
                InstanceUsage(instance=one.id, in_flight=None, requests_total=None, reason=reason) for one in expected
            ]
        services = [names.service(route, side.instance, port.name) for port in document.ports]
        namespace = self._settings.namespace
        return await asyncio.gather(*(self._implementation.usage(one, namespace, services) for one in expected))

    async def probe_points(self, route: str) -> Sequence[ProbePoint]:
        """Every replica's own listener."""
        document = (await self._known(route)).record.document
        tls = self._settings.tls
        return [
            ProbePoint(
                instance=one.id,
                endpoint=one.address,
                tls=tls is not None,
                server_name=names.hosts(document)[0],
                ca_file=tls.ca_file if tls else None,
            )
            for one in await self._replicas()
        ]

    async def close(self) -> None:
        """Close connections to the API server and to the replicas."""
        await self._implementation.close()
        await self._asker.close()
        await self._api.close()

    async def _stands(self, replica: Replica, asked: int, standing: Standing) -> InstanceAcknowledgement:
        told = await self._asker.ask(replica, standing.record)
        if told.failure:
            return silent(replica.id, told, await knock(replica.address))
        if told.epoch is not None and standing.record.version_of(told.epoch) is None:
            # Somebody may have written since.
            standing = await self._known(standing.record.document.route, within=0.0)
        found = judged(replica.id, told, asked, standing, self._settings)
        if found.state is not Acknowledgement.APPLIED:
            return found
        unheard = await self._heard.unheard(replica, standing.record.document)
        return pending(replica.id, f"it has not heard yet where {', '.join(unheard)} listens") if unheard else found

    async def _known(self, route: str, *, within: float = KNOWN_SECONDS) -> Standing:
        standing = await self._asked(self._routes.read(route, within=within))
        if standing is None:
            raise UnknownRoute(f"gateway {self._gateway} has no route {route}")
        return standing

    async def _replicas(self) -> Sequence[Replica]:
        found = await self._asked(replicas.replicas(self._api, self._settings))
        if not found:
            raise Unavailable(f"gateway {self._gateway} has no replica: its Service has no endpoints")
        return found

    async def _asked(self, question: Awaitable[_T]) -> _T:
        try:
            return await question
        except KubernetesError as error:
            raise Unavailable(f"the cluster of gateway {self._gateway} cannot be asked: {error}") from error
