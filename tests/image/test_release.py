# SPDX-License-Identifier: Apache-2.0
"""The image as a release carries it."""

from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from release.parts import save

MOST_BYTES = 250 * 2**20


@pytest.fixture(scope="module")
def archive(images: tuple[Image, Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compressed."""
    file = tmp_path_factory.mktemp("release") / "image.tar.gz"
    save(images[0].id, file)
    return file


def test_the_archive_of_a_release_is_small(archive: Path) -> None:
    """What a registry would send is about as large."""
    assert archive.stat().st_size < MOST_BYTES


def test_the_archive_of_a_release_is_the_image(
    docker_client: docker.DockerClient, images: tuple[Image, Image], archive: Path
) -> None:
    """An engine that loads it has the very image."""
    with archive.open("rb") as content:
        (loaded,) = docker_client.images.load(content)
    assert loaded.id == images[0].id
