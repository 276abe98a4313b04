# SPDX-License-Identifier: Apache-2.0
"""The images that a test bed's nodes get: what holds a pod's namespaces, the cluster's DNS, and the sample application."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.testbed import dns
from tests.testbed.images import write
from tests.testbed.node import PAUSE

SAMPLE = "docker.io/testbed/sample:1"
IMAGES: Mapping[str, str] = {"pause": PAUSE, "coredns": dns.IMAGE, "sample": SAMPLE}
"""The image by the one program in it."""


def make(programs: Iterable[Path], folder: Path) -> Sequence[Path]:
    """Write an archive for each of these programs that has an image; the archives."""
    folder.mkdir(exist_ok=True)
    return [_make(program, folder) for program in programs if program.name in IMAGES]


def _make(program: Path, folder: Path) -> Path:
    archive = folder / f"{program.name}.tar"
    write(IMAGES[program.name], archive, {program.name: program}, [f"/{program.name}"])
    return archive
