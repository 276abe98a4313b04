# SPDX-License-Identifier: Apache-2.0
"""Somebody else's adapter, installed beside ours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from steering.adapters import kinds, load

STRANGER = Path(__file__).with_name("stranger") / "lamp.py"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which the stranger's package lies as an installer leaves it."""
    shutil.copy(STRANGER, tmp_path / "lamp.py")
    about = tmp_path / "lamp_adapter-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lamp-adapter\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[steering.adapters]\nlamp = lamp:LampAdapter\n")
    return tmp_path


def test_installed_adapter_is_found(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point is all it takes."""
    monkeypatch.syspath_prepend(str(installed))
    assert "lamp" in kinds()
    assert load("lamp").__module__ == "lamp"
    monkeypatch.delitem(sys.modules, "lamp")


def test_kit_runs_on_an_installed_adapter_without_any_test_file(installed: Path) -> None:
    """`pytest --steering-adapter=KIND` runs the cases and writes the report; what is not offered is said so."""
    program = [sys.executable, "-m", "pytest", "--steering-adapter=lamp", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    ran = subprocess.run(
        [*program, f"--rootdir={installed}"],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    report = json.loads((installed / "build/conformance/lamp.json").read_text())
    assert (report["schema"], report["conforms"], report["counted"]["failed"]) == ("steering-conformance/v1", True, 0)
    skipped = {case["case"]: case["reason"] for case in report["cases"] if case["outcome"] == "skipped"}
    assert skipped["flips_lose_nothing"] == "the harness offers no traffic"
    passed = {case["case"] for case in report["cases"] if case["outcome"] == "passed"}
    assert {"stale_fence_is_refused", "repeat_answers_the_same_version"} <= passed


def test_unknown_adapter_is_a_usage_error(tmp_path: Path) -> None:
    """A wrong name ends with what there is, not with a traceback."""
    program = [sys.executable, "-m", "pytest", "--steering-adapter=nonsense", "-p", "no:cacheprovider"]
    ran = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "nonsense is not installed; there are envoy" in ran.stderr
