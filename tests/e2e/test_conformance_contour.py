# SPDX-License-Identifier: Apache-2.0
"""Two real Envoys under real Contours keep every promise of the contract."""

import pytest

from steering.conformance.suite import ConformanceSuite
from tests.gateway_api.contour import ContourSite
from tests.gateway_api.harness import GatewayApiHarness
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import Site


class ContourHarness(GatewayApiHarness):
    """A site with two Envoys."""

    name = "gateway-api-contour"

    def new_site(self, hub: Hub) -> Site:
        """Two replicas, each on a line of its own."""
        return ContourSite(hub)


@pytest.mark.timeout(300)
class TestContour(ConformanceSuite):
    """All cases."""

    harness = ContourHarness
