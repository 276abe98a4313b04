# SPDX-License-Identifier: Apache-2.0
"""Whose a test bed is, and what its keeper tells."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.testbed.bed import Bed
from tests.testbed.claim import NotUpError, TakenError, claim, holder, kubeconfigs
from tests.testbed.keeper import announce

BED = Bed(0)
"""No real one."""


def test_bed_is_one_process_s() -> None:
    """Others see whose, and cannot have it; afterwards it is nobody's."""
    with claim(BED):
        assert holder(BED) == os.getpid()
        with pytest.raises(TakenError, match="testbed0 is taken"):
            claim(BED)
    assert holder(BED) is None


def test_nobody_s_bed_is_not_up() -> None:
    """Whoever asks for its kubeconfigs is told at once."""
    with pytest.raises(NotUpError, match="testbed0"):
        kubeconfigs(BED, 5.0)


async def test_whoever_asked_before_it_was_up_is_told_when_it_is() -> None:
    """The question waits at the keeper."""
    with claim(BED) as claimed:
        asking = asyncio.create_task(asyncio.to_thread(kubeconfigs, BED, 5.0))
        async with await announce({"edge-a": Path("/a"), "hub": Path("/h")}, claimed):
            assert await asking == {"edge-a": Path("/a"), "hub": Path("/h")}
        assert holder(BED) == os.getpid()


async def test_whoever_waits_hears_of_the_end() -> None:
    """A keeper that gives up leaves nobody waiting."""
    with claim(BED):
        asking = asyncio.create_task(asyncio.to_thread(kubeconfigs, BED, 5.0))
        await asyncio.sleep(0)
    with pytest.raises(NotUpError):
        await asking
