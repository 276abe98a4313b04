# SPDX-License-Identifier: Apache-2.0
"""A machine that has no room for another test bed says so, rather than its kubelets."""

from pathlib import Path

import pytest

from tests.testbed.limits import WATCHERS, MachineFullError, check


def test_machine_that_is_full_says_what_to_do(tmp_path: Path) -> None:
    """The limit, and a command that raises it."""
    (tmp_path / "limit").write_text(f"{WATCHERS - 1}\n")
    with pytest.raises(MachineFullError, match=r"of 44 instances .*sysctl --write fs\.inotify\.max_user_instances=224"):
        check(tmp_path / "limit")


def test_machine_with_room_is_let_be(tmp_path: Path) -> None:
    """Nothing is said."""
    (tmp_path / "limit").write_text("100000\n")
    check(tmp_path / "limit")
