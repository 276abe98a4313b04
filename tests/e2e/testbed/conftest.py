# SPDX-License-Identifier: Apache-2.0
"""Tests of the test bed itself: those that need clusters ask for them, the others bring up their own."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def hub() -> None:
    """Nothing here is steered."""
