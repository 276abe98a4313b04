# SPDX-License-Identifier: Apache-2.0
"""Gone is proven, by EMCO's word on the context that had it or on the cluster itself, and never assumed."""

import asyncio

from relocate.clusters.contract import InstanceState
from relocate.clusters.emco import EmcoDriver
from tests.clusters.emco.world import GROUP, World, is_gone, reaches, workload


async def test_by_the_old_context_it_is_gone(emco: World) -> None:
    """Without a companion, EMCO's word on each resource of the context that had it counts."""
    await emco.begin()
    driver = emco.driver(emco.b, companion=None)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    emco.memory(emco.b).faults.remove_hangs = True
    await driver.remove("shop", "shop-1", emco.fence())
    await emco.settles()
    assert await driver.gone("shop", "shop-1") is False
    seen = await driver.observe("shop", "shop-1")
    assert seen.state is InstanceState.STOPPING
    emco.memory(emco.b).instances.clear()
    await is_gone(driver)


async def test_by_the_companion_it_is_gone(emco: World) -> None:
    """Whatever EMCO says, while something of it stands on the cluster it is not."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    emco.memory(emco.b).faults.remove_hangs = True
    await driver.remove("shop", "shop-1", emco.fence())
    await emco.settles()
    assert await driver.gone("shop", "shop-1") is False
    emco.memory(emco.b).faults.unavailable = True
    assert await driver.gone("shop", "shop-1") is None
    emco.memory(emco.b).faults.unavailable = False
    emco.memory(emco.b).instances.clear()
    await is_gone(driver)


async def test_what_emco_leaves_running_is_named(emco_main: World) -> None:
    """Its main branch says that all is well and deletes nothing; without a companion an operator has to."""
    emco = emco_main
    await emco.begin()
    driver = emco.driver(emco.b, companion=None)
    await _removed(emco, driver)
    assert emco.runs(emco.b) == ["web"]
    assert await driver.stuck("shop", "shop-1") is None
    why = await _stuck(driver)
    assert why == (
        f"EMCO wants nothing of it on edge+{emco.b} any more, and says of what it had there: Deployment r1-web of web is Applied; "
        "Service web-service of web is Applied; a companion of the cluster can see whether it is gone, and removes what is left"
    )


async def test_what_emco_leaves_running_is_swept_by_the_companion(emco_main: World) -> None:
    """Once EMCO has had its time, and nothing but what it left there."""
    emco = emco_main
    await emco.begin(apps=("web", "db"))
    driver = emco.driver(emco.b)
    await _removed(emco, driver, apps=["web"])
    await driver.remove("shop", "shop-1", emco.fence())
    assert emco.runs(emco.b) == ["web"]
    async with asyncio.timeout(5):
        while not await driver.gone("shop", "shop-1"):
            assert await driver.stuck("shop", "shop-1") is None
            await driver.remove("shop", "shop-1", emco.fence())
            await asyncio.sleep(0.05)
    assert (emco.runs(emco.a), emco.runs(emco.b)) == (["db", "web"], [])


async def test_an_update_that_is_not_carried_out_is_undone_all_the_same(emco: World) -> None:
    """EMCO cannot reach the cluster and tries for ever: what never came there is not proven gone until it can be."""
    await emco.begin()
    before = await emco.intent()
    emco.memory(emco.b).faults.unavailable = True
    driver = emco.driver(emco.b, settle_seconds=0.3)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.STARTING)
    await driver.remove("shop", "shop-1", emco.fence())
    assert await emco.intent() == before
    assert await driver.gone("shop", "shop-1") is None
    emco.memory(emco.b).faults.unavailable = False
    await is_gone(driver)


async def test_a_group_that_somebody_terminated_takes_its_copies_along(emco: World) -> None:
    """Nothing is updated for it any more."""
    await emco.begin()
    driver = emco.driver(emco.b, companion=None)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    await emco.act(f"{GROUP}/terminate")
    seen = await driver.observe("shop", "shop-1")
    assert (seen.state, seen.reason) == (
        InstanceState.UNKNOWN,
        "EMCO's group is not instantiated: Terminated was done last",
    )
    before = await emco.intent()
    await driver.remove("shop", "shop-1", emco.fence())
    await is_gone(driver)
    assert await emco.intent() == before


async def _removed(emco: World, driver: EmcoDriver, **more: object) -> None:
    await driver.deploy(workload(**more), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    await emco.settles()
    await driver.remove("shop", "shop-1", emco.fence())
    await emco.settles()
    assert await driver.gone("shop", "shop-1") is False


async def _stuck(driver: EmcoDriver) -> str:
    async with asyncio.timeout(5):
        while (why := await driver.stuck("shop", "shop-1")) is None:
            assert await driver.gone("shop", "shop-1") is False
            await asyncio.sleep(0.05)
    return why
