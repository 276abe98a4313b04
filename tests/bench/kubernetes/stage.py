# SPDX-License-Identifier: Apache-2.0
"""What all measurements share: two real clusters, two Traefiks configured in a third, and the service that knows them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from relocate.clusters.kubernetes.endpoints import addresses
from relocate.demo.drive import Traffic
from relocate.demo.system import System, new_system
from relocate.demo.traffic.plan import Flow
from relocate.model.application import Application
from steering.kubernetes.objects import Kind
from tests.bench.bench import Bench, opened
from tests.bench.kubernetes.kubectl import Kubectl
from tests.e2e.edge import Edge
from tests.e2e.entries import Entry, through
from tests.e2e.sample import manifests
from tests.e2e.scene import A, B, Place, application
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import Site
from tests.systems import running
from tests.testbed.clusters import Clusters

NODE = Kind("v1", "Node")
IMPLEMENTATION = "traefik"


@dataclass(frozen=True)
class Stage:
    """One run."""

    bench: Bench
    clusters: Clusters
    system: System
    places: Mapping[str, Place]
    entry: Entry
    kubectl: Kubectl

    def tell(self, sentence: str) -> None:
        """Say what goes on."""
        self.bench.tell(sentence)

    @property
    def site(self) -> Site:
        """The gateway's replicas, and where they are configured."""
        if self.entry.site is None:
            raise LookupError(f"{self.entry.name} is no implementation of the Gateway API")
        return self.entry.site

    def traffic(self, name: str, flows: Sequence[Flow]) -> Traffic:
        """To an application, through every replica."""
        made = Traffic(self.system, name, flows)
        made.listeners = self.entry.listeners
        return made

    def application(self, name: str, *, replicas: int = 1) -> Application:
        """The sample application, as the service is told of it."""
        return application(name, manifests(name, replicas=replicas), self.entry.name, self.entry.policy)

    async def nodes(self, cluster: str) -> Sequence[str]:
        """Addresses of a cluster's nodes."""
        listed = await self.places[cluster].edge.api.list(NODE, None)
        return addresses(listed.items)


@asynccontextmanager
async def staged(clusters: Clusters, tell: Callable[[str], None]) -> AsyncIterator[Stage]:
    """A run; nothing of it is left at its end."""
    async with AsyncExitStack() as stack:
        bench = await stack.enter_async_context(opened(tell))
        bench.tell("the service, two Traefiks")
        system = await stack.enter_async_context(running(new_system(bench.subfolder("system"))))
        Hub.here = Hub(clusters.hub)
        entry = await stack.enter_async_context(through(IMPLEMENTATION, Hub.here, system))
        places = {name: await _placed(stack, name, clusters.edges[name], system) for name in (A, B)}
        kubectl = Kubectl(bench.subfolder("kubectl"))
        yield Stage(bench, clusters, system, places, entry, kubectl)


async def _placed(stack: AsyncExitStack, name: str, kubeconfig: Path, system: System) -> Place:
    edge = await stack.enter_async_context(Edge.open(name, kubeconfig))
    return await stack.enter_async_context(Place.open(edge, system.folder, system))
