# SPDX-License-Identifier: Apache-2.0
"""The chart's release on edge-a, and its users."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import docker
import pytest
import pytest_asyncio
from docker.models.images import Image

from tests.containers.postgresql import Server
from tests.e2e.chart import traefik
from tests.e2e.chart.release import Release, node_port
from tests.e2e.chart.service_images import other, save, trial
from tests.e2e.chart.surroundings import Surroundings
from tests.e2e.chart.users import Users
from tests.e2e.edge import Edge
from tests.e2e.scene import A
from tests.helm.chart import Helm
from tests.image.fixtures import BUILD_SECONDS
from tests.programs.build import HELM, build
from tests.systems import SESSION
from tests.testbed.clusters import Clusters

HELM_SECONDS = 600.0
"""Longer than Helm itself waits, which it does for each hook anew."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits until the image is built."""
    for item in items:
        if "chart" in item.path.parts:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS), append=False)


@pytest.fixture(scope="session")
def loaded_images(
    edge_clusters: Clusters,
    docker_client: docker.DockerClient,
    service_image: Image,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The first build, the other one and that of trials, and Traefik, known to edge-a."""
    folder, programs = tmp_path_factory.mktemp("images"), Path(sys.executable).parent
    another = other(docker_client, service_image, "other")
    file = folder / "images.tar"
    save([service_image, another, trial(docker_client, service_image, programs / "temporal", "dev")], file)
    edge_clusters.load(file, [A])
    file.unlink()
    edge_clusters.load(traefik.archive(programs / "traefik", folder), [A])


@pytest_asyncio.fixture(**SESSION)
async def surroundings(
    edge_a: Edge, edge_b: Edge, loaded_images: None, postgresql: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Surroundings]:
    """What the release finds."""
    with postgresql.database("chart") as url:
        async with Surroundings.open(edge_a, edge_b, url, tmp_path_factory.mktemp("chart")) as opened:
            yield opened


@pytest.fixture(scope="session")
def helm() -> Helm:
    """With time for hooks."""
    return Helm(build(HELM) / "helm", HELM_SECONDS)


@pytest_asyncio.fixture(**SESSION)
async def release(helm: Helm, surroundings: Surroundings) -> Release:
    """A release that is not installed yet."""
    found = surroundings
    return Release(helm, found.edge_a, found.namespace, found.values(), found.system.folder, found.token)


@pytest_asyncio.fixture(**SESSION)
async def users(surroundings: Surroundings, release: Release) -> AsyncIterator[Users]:
    """Of an installed release."""
    async with await release.client() as client:
        entrance = await node_port(surroundings.edge_a, surroundings.gateway.namespace, traefik.NAME)
        yield Users(surroundings, client, entrance)
