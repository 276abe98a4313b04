# SPDX-License-Identifier: Apache-2.0
"""Helm, built from its Go module, or the one on the path."""

import os
import shutil
from pathlib import Path

import pytest

from tests.helm.chart import Helm
from tests.programs.build import BUILD_SECONDS, HELM, NeedsGoError, build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs Helm may have to build it."""
    for item in items:
        if "helm" in item.path.parts[-2:]:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


@pytest.fixture(scope="session")
def helm() -> Helm:
    """The program."""
    try:
        return Helm(build(HELM) / "helm")
    except NeedsGoError as error:
        found = shutil.which("helm")
        if found is not None:
            return Helm(Path(found))
        reason = f"{error}, and no helm is on the path"
    if os.environ.get("REQUIRE_HELM") == "1":
        pytest.fail(reason)
    pytest.skip(f"{reason}; REQUIRE_HELM=1 makes this a failure")
