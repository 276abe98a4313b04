# SPDX-License-Identifier: Apache-2.0
"""A real API server, and a Gateway with two replicas of each implementation in turn."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from tests.gateway_api.contour import ContourSite
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import Site
from tests.gateway_api.traefik import TraefikSite


@pytest.fixture(scope="session", params=[TraefikSite, ContourSite], ids=["traefik", "contour"])
def site(request: pytest.FixtureRequest, hub: Hub) -> Iterator[Site]:
    """A Gateway with two replicas, of each implementation in turn."""
    made: Site = request.param(hub)
    try:
        made.start()
        made.start_backends()
        yield made
    finally:
        made.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def adapter(site: Site) -> AsyncIterator[GatewayApiAdapter]:
    """The site's."""
    made = site.adapter()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def other(site: Site) -> AsyncIterator[Api]:
    """Somebody else with access to the cluster."""
    made = Api(Kubeconfig(file=site.hub.kubeconfig), manager="somebody-else")
    yield made
    await made.close()


@pytest.fixture
def route(request: pytest.FixtureRequest) -> str:
    """A route of the test's own."""
    return request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")[:40].rstrip("-")
