# SPDX-License-Identifier: Apache-2.0
"""Image archives that are made without an engine."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tests.testbed.images import write

IMAGE = "docker.io/testbed/some:1"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A file that can be run."""
    file = tmp_path / "program"
    file.write_bytes(b"code")
    file.chmod(0o755)
    return file


def test_same_files_give_the_same_archive(tmp_path: Path, program: Path) -> None:
    """To the byte, whatever the files' times are."""
    write(IMAGE, tmp_path / "first", {"bin/some": program}, ["/bin/some"])
    program.touch()
    write(IMAGE, tmp_path / "second", {"bin/some": program}, ["/bin/some"])
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_archive_is_what_its_manifest_says(tmp_path: Path, program: Path) -> None:
    """Name, entrypoint, a user who is not root, and the layer under its own hash."""
    write(IMAGE, tmp_path / "archive", {"/bin/some": program}, ["/bin/some", "--fast"])
    with tarfile.open(tmp_path / "archive") as archive:
        content = {member.name: archive.extractfile(member).read() for member in archive}
    (manifest,) = json.loads(content["manifest.json"])
    config, (layer,) = json.loads(content[manifest["Config"]]), manifest["Layers"]
    assert manifest["RepoTags"] == [IMAGE]
    assert config["config"]["Entrypoint"] == ["/bin/some", "--fast"]
    assert not config["config"]["User"].startswith("0")
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(content[layer]).hexdigest()}"]


def test_program_can_be_run(tmp_path: Path, program: Path) -> None:
    """Its mode is kept."""
    write(IMAGE, tmp_path / "archive", {"some": program}, ["/some"])
    with tarfile.open(tmp_path / "archive") as archive:
        layer = next(member for member in archive if member.name.endswith("layer.tar"))
        with tarfile.open(fileobj=archive.extractfile(layer)) as files:
            assert [(one.name, one.mode) for one in files] == [("some", 0o755)]
