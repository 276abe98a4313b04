# SPDX-License-Identifier: Apache-2.0
"""The image, built once for all tests of a run that ask for it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.containers.fixtures import Containers

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 900
"""Wheels are fetched, and images are built."""


@pytest.fixture(scope="session")
def docker_client(containers: Containers) -> "Iterator[DockerClient]":
    """The engine."""
    import docker  # noqa: PLC0415, only where one is wanted

    with closing(docker.from_env(timeout=BUILD_SECONDS)) as opened:
        yield opened


@pytest.fixture(scope="session")
def wheels() -> None:
    """And programs, as `make image` gathers them."""
    python = f"PYTHON={sys.executable}"
    subprocess.run(["make", "--silent", "wheels", "programs", python], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="session")
def service_image(docker_client: "DockerClient", wheels: None) -> "Image":
    """The image of this source."""
    from tests.containers.images import PYTHON, ensure  # noqa: PLC0415

    ensure(docker_client, PYTHON)
    return build(docker_client, "edge-relocation:first")


def build(client: "DockerClient", tag: str) -> "Image":
    """Build it once more, without a network, and with nothing left from before."""
    from tests.containers.images import PYTHON  # noqa: PLC0415

    image, _ = client.images.build(
        path=str(ROOT),
        tag=tag,
        buildargs={"BASE": PYTHON.name},
        nocache=True,
        rm=True,
        forcerm=True,
        network_mode="none",
    )
    return image
