# SPDX-License-Identifier: Apache-2.0
"""Somebody else changes a group while an application of ours is on the move: it is seen, kept, and told."""

import pytest

from relocate.clusters.contract import InstanceState
from relocate.errors import InvalidRequest
from tests.clusters.emco.world import GROUP, World, is_gone, labelled, named, reaches, workload


async def test_a_cluster_that_somebody_adds_stays(emco: World) -> None:
    """Going back takes out what we added and nothing else."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    await emco.intend("web", {"allOf": [*named(emco.a, emco.b), *named(emco.c)]}, description="theirs")
    await emco.act(f"{GROUP}/update")
    await reaches(driver, InstanceState.RUNNING)
    await driver.remove("shop", "shop-1", emco.fence())
    await is_gone(driver)
    then = await emco.intent()
    assert (then["spec"]["intent"], then["metadata"]["description"]) == ({"allOf": named(emco.a, emco.c)}, "theirs")
    assert [emco.runs(one) for one in (emco.a, emco.b, emco.c)] == [["web"], [], ["web"]]


async def test_an_intent_without_our_cluster_makes_the_instance_uncertain(emco: World) -> None:
    """It runs, and the next update would end it: that is not ready."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    await emco.intend("web", {"allOf": named(emco.a)})
    seen = await driver.observe("shop", "shop-1")
    assert seen.state is InstanceState.UNKNOWN
    assert seen.reason == f"somebody took edge+{emco.b} out of EMCO's intents of web: the next update ends it"
    await emco.act(f"{GROUP}/update")
    seen = await reaches(driver, InstanceState.ABSENT)
    assert seen.reason == f"EMCO's revision 3 has web not on edge+{emco.b}"


async def test_the_source_is_not_removed_where_that_would_end_the_target(emco: World) -> None:
    """Somebody wrote another cluster over the target: EMCO would delete it with the next update, under its users."""
    await emco.begin()
    source, target = emco.driver(emco.a), emco.driver(emco.b)
    await source.adopt(workload("shop-0"), emco.fence())
    await target.deploy(workload(), emco.fence())
    await reaches(target, InstanceState.RUNNING)
    await emco.settles()
    await emco.intend("web", {"allOf": named(emco.a, emco.c)})
    before, revision = await emco.intent(), await emco.revision()
    with pytest.raises(InvalidRequest, match=rf"somebody took edge\+{emco.b} out of EMCO's intents of web: an update"):
        await source.remove("shop", "shop-0", emco.fence())
    assert (await emco.intent(), await emco.revision()) == (before, revision)
    assert (emco.runs(emco.a), emco.runs(emco.b)) == (["web"], ["web"])


async def test_a_rollback_by_somebody_else_is_seen(emco: World) -> None:
    """EMCO's own rollback leaves the intents, so that the next update would bring it back."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    answer = await emco.client.post(f"{GROUP}/rollback", json={"spec": {"revision": "1"}})
    assert answer.status_code == 202
    await reaches(driver, InstanceState.ABSENT)
    await driver.remove("shop", "shop-1", emco.fence())
    await is_gone(driver)
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.a)}


async def test_a_label_that_grows_is_followed(emco: World) -> None:
    """What the label means is asked at the moment at which it is replaced by names."""
    await emco.begin(intent={"allOf": [*labelled("edge")]})
    source, target = emco.driver(emco.b), emco.driver(emco.a)
    await source.adopt(workload("shop-0"), emco.fence())
    await target.deploy(workload(), emco.fence())
    await reaches(target, InstanceState.RUNNING)
    await emco.client.delete(f"/v2/cluster-providers/edge/clusters/{emco.c}/labels/edge")
    await source.remove("shop", "shop-0", emco.fence())
    await is_gone(source, "shop-0")
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.a)}


@pytest.mark.parametrize("gone", ["instantiate", "delete"])
async def test_a_group_that_is_gone_is_unknown_and_not_a_crash(emco: World, gone: str) -> None:
    """Whoever looks gets a reason."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    await emco.act(f"{GROUP}/terminate")
    if gone == "delete":
        for path in (
            f"{GROUP}/generic-placement-intents/placement/app-intents/web-intent",
            f"{GROUP}/generic-placement-intents/placement",
            GROUP,
        ):
            (await emco.client.delete(path)).raise_for_status()
    seen = await driver.observe("shop", "shop-1")
    assert (seen.state, bool(seen.reason)) == (InstanceState.UNKNOWN, True)
    assert await driver.gone("shop", "shop-1") is False
