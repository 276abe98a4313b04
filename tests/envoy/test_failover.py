# SPDX-License-Identifier: Apache-2.0
"""When a side that carries traffic dies."""

import asyncio

import pytest

from steering.adapters.envoy import EnvoyAdapter
from tests.envoy.rig import Fences, Rig
from tests.envoy.traffic import WORKERS, acknowledged, lost, serving, traffic, unanswered


@pytest.mark.parametrize("victim", ["a", "b"])
async def test_no_retry_safe_request_is_lost_when_a_side_is_killed(
    rig: Rig, adapter: EnvoyAdapter, victim: str
) -> None:
    """At 50/50 with fail-over, the death of either side costs no GET, and the gateway names who really answered.

    But for one whose answer had begun: its head is with the user already, so nobody can ask again.
    """
    fence = Fences()
    document = rig.document("shop", "e1", {"a": 50, "b": 50}, failover=True)
    version = await adapter.apply(document, fence=fence(), base=None)
    await acknowledged(adapter, "shop", version)
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e1")
    async with traffic(rig, "shop") as before:
        await asyncio.sleep(1.0)
    async with traffic(rig, "shop") as seen:
        await asyncio.sleep(0.5)
        rig.kill(victim)
        await asyncio.sleep(2.0)
    assert lost(before) == {}
    assert unanswered(seen) == {}
    assert sum(lost(seen).values()) <= WORKERS * rig.count, "at most what was in flight on it"
    assert {side for _, side, _ in seen} >= {"a", "b"}
    assert sum(seen.values()) > 200
    async with traffic(rig, "shop") as after:
        await asyncio.sleep(0.3)
    assert {side for _, side, _ in after} == {"a", "b"} - {victim}


async def test_requests_that_must_not_repeat_are_not_repeated(rig: Rig, adapter: EnvoyAdapter) -> None:
    """A POST that reached an instance is not sent to the other one: it fails, and is counted as an error of its side."""
    document = rig.document("shop", "e1", {"a": 0, "b": 100}, failover=True)
    version = await adapter.apply(document, fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e1")
    async with traffic(rig, "shop", method="POST") as seen:
        await asyncio.sleep(0.5)
        rig.kill("b")
        await asyncio.sleep(1.0)
    failures = sum(lost(seen).values())
    assert failures <= 8, "at most what was in flight: one per worker"
    counted = [one.errors_total for one in await adapter.usage("shop", "b")]
    assert sum(number or 0 for number in counted) >= failures


async def test_a_side_that_hangs_keeps_no_retry_safe_request(rig: Rig, adapter: EnvoyAdapter) -> None:
    """When a side is frozen, each GET it was keeping goes to the other one after the route's time for one try."""
    document = rig.document("shop", "e1", {"a": 0, "b": 100}, failover=True, timeout_seconds=8.0, try_seconds=0.4)
    version = await adapter.apply(document, fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e1")
    with rig.frozen("b"):
        async with traffic(rig, "shop") as seen:
            await asyncio.sleep(1.5)
    assert lost(seen) == {}
    assert "a" in {side for _, side, _ in seen}
