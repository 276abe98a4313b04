# SPDX-License-Identifier: Apache-2.0
"""Pseudo terminals, for what behaves differently when a person looks on."""

import os
import pty

import pytest


def opened() -> tuple[int, int]:
    """Ours and theirs; a machine without /dev/pts has none, which REQUIRE_TERMINAL=1 makes a failure."""
    try:
        return pty.openpty()
    except OSError as error:
        if os.environ.get("REQUIRE_TERMINAL") == "1":
            raise
        pytest.skip(f"this machine has no pseudo terminal ({error}); REQUIRE_TERMINAL=1 makes this a failure")
