# SPDX-License-Identifier: Apache-2.0
"""A release of this work tree as it stands, made from a commit of its own."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helm.conftest import helm

__all__ = ["helm"]

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 900
WHO = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs a release gathers its wheels."""
    for item in items:
        if "release" in item.path.parts[-2:]:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


def committed(folder: Path) -> Path:
    """A copy of this work tree, in which everything is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for command in (["init", "--quiet"], ["add", "--all"], [*WHO, "commit", "--quiet", "--message", "A release"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that is clean."""
    return committed(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def released(checkout: Path) -> Mapping[str, Path]:
    """Every file of the release without an image, by name."""
    command = [sys.executable, "-m", "release", "--without-image"]
    made = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return {file.name: file for file in (checkout / "build/release").iterdir()}
