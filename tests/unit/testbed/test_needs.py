# SPDX-License-Identifier: Apache-2.0
"""What is said to somebody whose machine cannot make clusters."""

from pathlib import Path

import pytest

from tests.testbed import needs


def test_machine_without_programs_is_told_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And how to get them; Go is named by itself, because Debian's is too old."""
    monkeypatch.setenv("PATH", str(tmp_path))
    told = [*needs.missing()]
    assert any("containerd, ctr, runc" in one and "python -m tests.testbed install" in one for one in told)
    assert any(one.startswith("go ") for one in told)


def test_machine_with_control_groups_of_version_2_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is another way for those: kind."""
    monkeypatch.setattr(needs, "GROUPS", tmp_path)
    assert any("version 1" in one and "E2E_CLUSTERS=kind" in one for one in needs.missing())
