# SPDX-License-Identifier: Apache-2.0
"""Programs that are built from their Go modules, and found built."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.programs import build as building
from tests.programs.build import KEPT, PAUSE, Module, NeedsGoError, build

needs_go = pytest.mark.skipif(
    shutil.which("go") is None and os.environ.get("REQUIRE_E2E") != "1",
    reason="needs go; REQUIRE_E2E=1 makes this a failure",
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty one, for this test alone; Go's own is as it is."""
    if shutil.which("go"):  # whose cache would move, too
        told = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout
        monkeypatch.setenv("GOCACHE", told.strip())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Module:
    """Two programs in one module."""
    monkeypatch.setattr(building, "HERE", tmp_path)
    for name in ("one", "two"):
        (tmp_path / "some" / name).mkdir(parents=True)
        (tmp_path / "some" / name / "main.go").write_text(f'package main\n\nfunc main() {{ print("{name}") }}\n')
    (tmp_path / "some" / "go.mod").write_text("module some\n\ngo 1.24\n")
    return Module("some", {"one": "./one", "two": "./two"})


def test_machine_without_go_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And for what, instead of a crash."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NeedsGoError, match="needs go, to build pause"):
        build(PAUSE)


@needs_go
def test_programs_of_a_module_are_built_together(module: Module) -> None:
    """Each under its own name."""
    folder = build(module)
    for name in module.packages:
        assert subprocess.run([folder / name], capture_output=True, text=True, check=True).stderr == name


@needs_go
def test_what_is_built_is_found_without_go(module: Module, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As long as its sources are the same."""
    folder = build(module)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build(module) == folder
    (tmp_path / "some" / "one" / "main.go").write_text("package main\n\nfunc main() {}\n")
    with pytest.raises(NeedsGoError):
        build(module)


@needs_go
def test_what_cannot_be_built_leaves_nothing(module: Module, tmp_path: Path, cache: Path) -> None:
    """The compiler's reason is told."""
    (tmp_path / "some" / "two" / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(NeedsGoError, match="undefined: nothing"):
        build(module)
    assert not [*(cache / "edge-relocation" / "programs" / "some").iterdir()]


def test_old_versions_are_forgotten(cache: Path) -> None:
    """But for those that were used last."""
    for age in range(KEPT + 2):
        (cache / str(age)).mkdir(parents=True)
        os.utime(cache / str(age), (1000 - age, 1000 - age))
    building._forget(cache)
    assert {one.name for one in cache.iterdir()} == {str(age) for age in range(KEPT)}
