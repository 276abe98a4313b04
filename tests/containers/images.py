# SPDX-License-Identifier: Apache-2.0
"""Images under their upstream names: found, pulled, or, where no registry can be reached, built from Debian's packages.

What was built is kept in the user's cache by everything that went into it, so that the next engine takes it from there.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

HERE = Path(__file__).parent / "images"
SUITE = "bookworm"
BASE = f"debian:{SUITE}-slim"
"""What our own images stand on."""


@dataclass(frozen=True)
class Image:
    """An image that upstream publishes, and the folder that builds one like it."""

    name: str
    folder: Path

    @property
    def digest(self) -> str:
        """Of everything that goes into ours, but for the packages of the day."""
        files = sorted(one for one in self.folder.rglob("*") if one.is_file())
        told = [self.name.encode(), SUITE.encode(), *(file.read_bytes() for file in files)]
        return hashlib.sha256(b"\0".join(told)).hexdigest()[:16]


POSTGRESQL = Image("postgres:15-bookworm", HERE / "postgresql")
PYTHON = Image("python:3.11-slim-bookworm", HERE / "python")


def ensure(client: DockerClient, image: Image) -> None:
    """Have the engine know the image.

    Raises:
        BuildError: neither a registry nor Debian's packages can be reached.
    """
    if _has(client, image.name) or _pulls(client, image.name) or _loads(client, image):
        return
    ensure_base(client)
    client.images.build(
        path=str(image.folder), tag=image.name, buildargs={"BASE": BASE}, network_mode="host", rm=True, forcerm=True
    )
    _save(client, image)


def ensure_base(client: DockerClient) -> None:
    """Have the engine know Debian itself."""
    if _has(client, BASE) or _pulls(client, BASE):
        return
    archive = _cache() / f"{SUITE}.tar"
    if not archive.exists():
        _bootstrap(archive)
    repository, _, tag = BASE.partition(":")
    client.api.import_image_from_file(str(archive), repository=repository, tag=tag)


def _bootstrap(archive: Path) -> None:
    with _whole(archive) as file, tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        root = Path(folder) / "root"
        subprocess.run(["debootstrap", "--variant=minbase", SUITE, str(root)], check=True, capture_output=True)
        subprocess.run(["tar", "--directory", str(root), "--create", "--file", str(file), "."], check=True)


def _has(client: DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _pulls(client: DockerClient, name: str) -> bool:
    try:
        client.images.pull(name)
    except APIError:
        return False
    return True


def _loads(client: DockerClient, image: Image) -> bool:
    archive = _archive(image)
    if not archive.exists():
        return False
    with archive.open("rb") as content:
        client.images.load(content)
    return True


def _save(client: DockerClient, image: Image) -> None:
    with _whole(_archive(image)) as file, file.open("wb") as content:
        for part in client.images.get(image.name).save(named=True):
            content.write(part)


def _archive(image: Image) -> Path:
    return _cache() / f"{image.folder.name}-{image.digest}.tar"


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-relocation" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file beside `path` that becomes it when the block has ended well."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        Path(name).rename(path)
    finally:
        Path(name).unlink(missing_ok=True)
