# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, on the API with the in-memory orchestrator."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.conftest import app, catalogue, database, dispatch, make_app
from tests.page.browser import Tab, chromium, find

__all__ = ["app", "catalogue", "database", "dispatch", "make_app"]


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A browser's tab. Without Chromium the test is skipped, visibly, unless REQUIRE_BROWSER=1."""
    program = find()
    if program is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, and no Chromium is installed")
        pytest.skip("no Chromium is installed (REQUIRE_BROWSER=1 makes this a failure)")
    async with chromium(program, tmp_path / "chromium") as tab:
        yield tab
