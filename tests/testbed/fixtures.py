# SPDX-License-Identifier: Apache-2.0
"""The clusters, as pytest fixtures. A conftest imports them; one run has them once."""

import os
from collections.abc import Iterator, Sequence

import pytest

from tests.testbed import needs
from tests.testbed.clusters import Clusters, clusters, missing


def _require(lacking: Sequence[str]) -> None:
    """Skip where something is lacking, or fail with REQUIRE_E2E=1; the reason says what it is."""
    if lacking:
        refuse = pytest.fail if os.environ.get("REQUIRE_E2E") == "1" else pytest.skip
        refuse(f"this machine lacks {'; '.join(lacking)}")


@pytest.fixture(scope="session")
def edge_clusters() -> Iterator[Clusters]:
    """Two edge clusters and where gateways are configured, for all tests of this run together."""
    _require(missing())
    with clusters() as found:
        yield found


@pytest.fixture(scope="session")
def machine_for_clusters() -> None:
    """For tests of the test bed itself, whatever clusters the others use."""
    _require(needs.missing())
