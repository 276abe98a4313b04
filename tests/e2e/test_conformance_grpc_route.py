# SPDX-License-Identifier: Apache-2.0
"""Two real Envoys under real Contours keep every promise of the contract with GRPCRoutes too."""

import pytest

from steering.conformance.suite import ConformanceSuite
from tests.gateway_api.contour import ContourSite
from tests.gateway_api.grpc_harness import GrpcHarness
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import Site


class ContourGrpcHarness(GrpcHarness):
    """A site with two Envoys."""

    name = "gateway-api-contour-grpc"

    def new_site(self, hub: Hub) -> Site:
        """Two replicas, each on a line of its own."""
        return ContourSite(hub)


@pytest.mark.timeout(300)
class TestContourGrpcRoute(ConformanceSuite):
    """All cases."""

    harness = ContourGrpcHarness
