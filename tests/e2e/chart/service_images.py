# SPDX-License-Identifier: Apache-2.0
"""The service's image in the build of this source, in another one whose workflow goes another way, and in that of trials."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from docker import DockerClient
from docker.models.images import Image

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = "edge-relocation"
WORKFLOW = ROOT / "relocate/workflow/relocation.py"
STEP = "        decision = await runbook.select()\n"
"""A line of the workflow."""
OTHERWISE = f"        await workflow.sleep(0.01)\n{STEP}"
"""What stands there in the other build: it cannot go on with a history of the first."""


def other(client: DockerClient, first: Image, tag: str) -> Image:
    """Build it on the first one."""
    text = WORKFLOW.read_text()
    assert text.count(STEP) == 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(Path(__file__).parent / "images/Dockerfile", folder)
        (folder / WORKFLOW.name).write_text(text.replace(STEP, OTHERWISE))
        return _built(client, folder, first, tag)


def trial(client: DockerClient, first: Image, temporal: Path, tag: str) -> Image:
    """Build that of trials on it, as `make image-dev` does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "image/dev.Dockerfile", folder / "Dockerfile")
        shutil.copy(temporal, folder / "temporal")
        return _built(client, folder, first, tag)


def _built(client: DockerClient, folder: Path, first: Image, tag: str) -> Image:
    image, _ = client.images.build(
        path=str(folder),
        tag=f"{REPOSITORY}:{tag}",
        buildargs={"BASE": first.id},
        rm=True,
        forcerm=True,
        network_mode="none",
    )
    return image


def save(images: Sequence[Image], file: Path) -> None:
    """Write one archive of all, with their names; what they have in common stands in it once."""
    subprocess.run(["docker", "save", "--output", str(file), *(one.tags[0] for one in images)], check=True)
