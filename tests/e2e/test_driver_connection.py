# SPDX-License-Identifier: Apache-2.0
"""What becomes of a driver whose cluster does not answer, or does not know it any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from relocate.clusters.contract import InstanceState
from relocate.errors import ClusterUnavailable, InvalidWorkload
from steering.kubernetes.objects import Kind
from tests.e2e.edge import Edge
from tests.e2e.ground import APPLICATION, INSTANCE, PATIENCE_SECONDS, PAUSE_SECONDS, Ground, sample


@pytest_asyncio.fixture(loop_scope="session")
async def ground(edge_a: Edge, tmp_path: Path) -> AsyncIterator[Ground]:
    """An instance that runs."""
    async with Ground.open(edge_a, tmp_path) as ground:
        await ground.deploy()
        await ground.reaches(InstanceState.RUNNING)
        yield ground


async def _refuses(ground: Ground, words: str) -> None:
    """Wait until a look is refused with these words."""
    said = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in said:
            try:
                await ground.observe()
            except ClusterUnavailable as error:
                said = str(error)
            await asyncio.sleep(PAUSE_SECONDS)


async def test_a_cluster_that_falls_silent_is_unknown_within_its_time_out(ground):
    """Packets that are dropped tell nothing: what a watch said before is not repeated as if it were seen now."""
    async with ground.line.silent():
        fell_silent = time.monotonic()
        await _refuses(ground, "no answer within 3 s")
        assert time.monotonic() - fell_silent < 6
        assert await ground.driver.gone(APPLICATION, INSTANCE) is None


async def test_what_happened_during_a_silence_is_seen_after_it(ground):
    """Every watch is begun anew: none is believed that lived through it."""
    async with ground.line.silent():
        await _refuses(ground, "no answer within 3 s")
        await ground.edge.api.delete(Kind("apps/v1", "Deployment"), ground.namespace, "echo")
    await ground.reaches(InstanceState.STARTING, "Deployment echo has not been seen yet, or was taken away")


async def test_a_token_that_was_taken_away_is_no_reason_to_undo_and_a_new_one_in_the_same_file_is_taken_up(
    ground, tmp_path
):
    """The instance runs on: it only cannot be asked, and the reason is given. Credentials are rotated while a driver is open."""
    await ground.account.revoke()
    await _refuses(ground, "Unauthorized")
    assert await ground.driver.gone(APPLICATION, INSTANCE) is None
    await ground.account.grant()
    await ground.account.kubeconfig(tmp_path, ground.line)
    await ground.reaches(InstanceState.RUNNING)


async def test_a_right_that_is_missing_is_named(ground):
    """Verb, resource and namespace, in the API server's words; a deploy is refused, a look only cannot be had."""
    await ground.account.restrict()
    with pytest.raises(InvalidWorkload, match=r"cannot .* resource .* in the namespace"):
        await ground.deploy(sample(instance="echo-2"))
    with pytest.raises(ClusterUnavailable, match='cannot get resource "configmaps"'):
        await ground.remove()
