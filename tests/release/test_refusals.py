# SPDX-License-Identifier: Apache-2.0
"""What no release is made of, and what is said then."""

import subprocess
import sys
from pathlib import Path

import pytest

from release.checkout import NAMED_IN, Checkout, NotReleasable
from tests.release.conftest import ROOT, WHO


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A clean work tree with no more than the files that name a version, in agreement."""
    for name in ("pyproject.toml", *NAMED_IN):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, *WHO, "commit", "--quiet", "--message", "A release")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    """A command of git."""
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_a_clean_tree_of_one_mind_is_releasable(small: Path) -> None:
    """This work tree says one version everywhere."""
    Checkout(small).check()


def test_a_dirty_tree_is_refused(small: Path) -> None:
    """With the files that are in the way: one that is changed, one that is new."""
    (small / "Dockerfile").write_text((small / "Dockerfile").read_text() + "\n")
    (small / "new").touch()
    with pytest.raises(NotReleasable, match=r"2 files: Dockerfile, new\): commit or remove them"):
        Checkout(small).check()


@pytest.mark.parametrize("file", NAMED_IN)
def test_versions_that_differ_are_refused(small: Path, file: str) -> None:
    """With both, and where they stand."""
    version = Checkout(small).version
    (small / file).write_text((small / file).read_text().replace(version, "9.9.9", 1))
    git(small, *WHO, "commit", "--quiet", "--all", "--message", "Another version")
    with pytest.raises(NotReleasable, match=rf"^{file} says .*9\.9\.9.*, pyproject\.toml says {version}: "):
        Checkout(small).check()


def test_a_tag_of_another_version_is_refused(small: Path) -> None:
    """A tag that is no version does not matter."""
    git(small, "tag", "landed")
    Checkout(small).check()
    git(small, "tag", "v9.9.9")
    with pytest.raises(NotReleasable, match=r"tagged v9\.9\.9"):
        Checkout(small).check()
    git(small, "tag", f"v{Checkout(small).version}")
    Checkout(small).check()


def test_the_command_says_why_and_makes_nothing(small: Path) -> None:
    """In sentences, and with a status."""
    (small / "new").touch()
    command = [sys.executable, "-m", "release", "--without-image"]
    ended = subprocess.run(
        command,
        cwd=small,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "Nothing was released.\nthe work tree has changes that are not committed (1 files: new)"
    )
    assert not (small / "build").exists()
