# SPDX-License-Identifier: Apache-2.0
"""A project that `relocate new-workflow` has begun passes its own tests, on real processes of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path


def test_a_new_project_passes_its_own_tests(tmp_path: Path) -> None:
    """As its author would run them: the move in its order, the way back, and what is missing in a start."""
    begun = [sys.executable, "-m", "relocate", "new-workflow", "early-warning", "--directory", str(tmp_path)]
    subprocess.run(begun, check=True, capture_output=True, timeout=60)
    folder = tmp_path / "early-warning"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^3 passed in", ran.stdout, re.MULTILINE), ran.stdout
