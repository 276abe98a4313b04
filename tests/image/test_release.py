# SPDX-License-Identifier: Apache-2.0
"""The image as a release carries it."""

from pathlib import Path

import docker
from docker.models.images import Image

from release.parts import save


def test_the_archive_of_a_release_is_the_image(
    docker_client: docker.DockerClient, images: tuple[Image, Image], tmp_path: Path
) -> None:
    """An engine that loads it has the very image."""
    archive = tmp_path / "image.tar.gz"
    save(images[0].id, archive)
    with archive.open("rb") as content:
        (loaded,) = docker_client.images.load(content)
    assert loaded.id == images[0].id
