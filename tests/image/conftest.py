# SPDX-License-Identifier: Apache-2.0
"""The image, built twice from the same wheels."""

import docker
import pytest
from docker.models.images import Image

from tests.image.fixtures import BUILD_SECONDS, build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Wheels are fetched, and two images are built."""
    for item in items:
        if "image" in item.path.parts:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS), append=False)


@pytest.fixture(scope="session")
def images(docker_client: docker.DockerClient, service_image: Image) -> tuple[Image, Image]:
    """Two builds that share nothing but what went in."""
    return service_image, build(docker_client, "edge-relocation:second")
