# SPDX-License-Identifier: Apache-2.0
"""The cases on the harness that `--steering-adapter` names."""

import pytest

from steering.conformance.plugin import CHOSEN
from steering.conformance.suite import ConformanceSuite


@pytest.fixture(scope="class", autouse=True)
def _choose(request: pytest.FixtureRequest) -> None:
    request.cls.harness = request.config.stash[CHOSEN]


class TestConformance(ConformanceSuite):
    """The chosen adapter."""
