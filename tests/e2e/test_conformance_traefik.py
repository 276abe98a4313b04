# SPDX-License-Identifier: Apache-2.0
"""Two real Traefiks, at their default throttle of 2 s, keep every promise of the contract."""

import pytest

from steering.conformance.suite import ConformanceSuite
from tests.gateway_api.harness import GatewayApiHarness
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import Site
from tests.gateway_api.traefik import TraefikSite


class TraefikHarness(GatewayApiHarness):
    """A site with two Traefiks."""

    name = "gateway-api-traefik"

    def new_site(self, hub: Hub) -> Site:
        """Two replicas, each on a line of its own."""
        return TraefikSite(hub)


@pytest.mark.timeout(300)
class TestTraefik(ConformanceSuite):
    """All cases."""

    harness = TraefikHarness
