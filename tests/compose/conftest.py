# SPDX-License-Identifier: Apache-2.0
"""The stack, started once for all tests of this folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from tests.compose.images import provide
from tests.compose.stack import Stack
from tests.containers.fixtures import Containers
from tests.systems import share_loop

SECONDS = 900
"""Whoever comes first waits until every image is there and everything is healthy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share the stack, and a loop."""
    here = Path(__file__).parent
    share_loop([item for item in items if here in item.path.parents], here.name, SECONDS)


@pytest.fixture(scope="session")
def engine(docker_client: docker.DockerClient, service_image: Image) -> docker.DockerClient:
    """The engine, with every image."""
    provide(docker_client, service_image)
    return docker_client


@pytest.fixture(scope="session")
def stack(
    engine: docker.DockerClient, containers: Containers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Everything but Grafana, healthy."""
    chosen = Stack.choose(f"edge-relocation-{os.getpid()}", tmp_path_factory.mktemp("compose"), containers.labels)
    try:
        chosen.up()
        yield chosen
    finally:
        chosen.down()
