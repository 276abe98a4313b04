# SPDX-License-Identifier: Apache-2.0
"""An application comes to one of EMCO's clusters and goes again, and everything else that EMCO places stays."""

import asyncio

import pytest

from relocate.clusters.contract import InstanceState
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload, StaleFence
from steering.model import Fence
from tests.clusters.emco.world import PROVIDER, World, is_gone, labelled, named, reaches, workload


async def test_the_target_is_added_beside_the_source(emco: World) -> None:
    """Both run; where it listens and what it can serve, the companion tells."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    seen = await reaches(driver, InstanceState.RUNNING)
    assert (emco.runs(emco.a), emco.runs(emco.b)) == (["web"], ["web"])
    assert (len(seen.endpoints["http"]), seen.capacity) == (1, 5)
    assert await driver.gone("shop", "shop-1") is False


async def test_the_source_is_replaced_only_when_it_is_removed(emco: World) -> None:
    """The target stays, alone; the old copy is gone from the cluster."""
    await emco.begin()
    source, target = emco.driver(emco.a), emco.driver(emco.b)
    await source.adopt(workload("shop-0"), emco.fence())
    await target.deploy(workload(), emco.fence())
    await reaches(target, InstanceState.RUNNING)
    await source.remove("shop", "shop-0", emco.fence())
    await is_gone(source, "shop-0")
    assert (emco.runs(emco.a), emco.runs(emco.b)) == ([], ["web"])
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.b)}
    await source.remove("shop", "shop-0", emco.fence())
    assert (await source.observe("shop", "shop-0")).state is InstanceState.ABSENT
    assert (await reaches(target, InstanceState.RUNNING)).state is InstanceState.RUNNING


async def test_going_back_leaves_the_intent_as_it_was(emco: World) -> None:
    """With its metadata and whatever else stands in it; and the group is updated to it."""
    await emco.begin()
    await emco.intend("web", {"allOf": named(emco.a), "selector": "name"}, description="ours", userData1="x")
    before, driver = await emco.intent(), emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    then = await emco.intent()
    assert then["spec"]["intent"] == {"allOf": named(emco.a, emco.b), "selector": "name"}
    assert then["metadata"] == before["metadata"]
    await driver.remove("shop", "shop-1", emco.fence())
    await is_gone(driver)
    assert await emco.intent() == before
    assert (emco.runs(emco.a), emco.runs(emco.b)) == (["web"], [])


async def test_what_emco_has_there_already_is_not_ours_to_deploy(emco: World) -> None:
    """By a label as well as by name; named twice EMCO would refuse it, and undone it would be gone. Nothing changes."""
    await emco.begin(intent={"allOf": labelled("edge")})
    before, revision = await emco.intent(), await emco.revision()
    with pytest.raises(InvalidWorkload, match="already, and not through this service"):
        await emco.driver(emco.b).deploy(workload(), emco.fence())
    assert (await emco.intent(), await emco.revision()) == (before, revision)


async def test_a_choice_between_clusters_that_includes_the_target_comes_back_with_the_undo(emco: World) -> None:
    """While the target is added EMCO must not choose it once more; afterwards the choice is as wide as it was."""
    choice = {"anyOf": named(emco.a, emco.b, emco.c)}
    await emco.begin(intent=choice)
    before, driver = await emco.intent(), emco.driver(emco.b)
    await driver.deploy(workload(), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.a, emco.b)}
    assert (emco.runs(emco.a), emco.runs(emco.b), emco.runs(emco.c)) == (["web"], ["web"], [])
    await driver.remove("shop", "shop-1", emco.fence())
    await is_gone(driver)
    assert await emco.intent() == before
    assert (emco.runs(emco.a), emco.runs(emco.b)) == (["web"], [])


async def test_a_label_that_covers_the_source_becomes_names(emco: World) -> None:
    """The other clusters of the label keep their copy, the one that moved away from has none."""
    await emco.begin(intent={"allOf": labelled("edge")})
    assert (emco.runs(emco.b), emco.runs(emco.c)) == (["web"], ["web"])
    source, target = emco.driver(emco.b), emco.driver(emco.a)
    await source.adopt(workload("shop-0"), emco.fence())
    await target.deploy(workload(), emco.fence())
    await reaches(target, InstanceState.RUNNING)
    assert (await emco.intent())["spec"]["intent"]["allOf"] == labelled("edge") + named(emco.a)
    await source.remove("shop", "shop-0", emco.fence())
    await is_gone(source, "shop-0")
    assert (await emco.intent())["spec"]["intent"]["allOf"] == named(emco.c, emco.a)
    assert [emco.runs(one) for one in (emco.a, emco.b, emco.c)] == [["web"], [], ["web"]]


async def test_all_apps_of_a_group_move_or_those_that_are_named(emco: World) -> None:
    """One update for all of them; an app that is not meant stays where it is."""
    await emco.begin(apps=("web", "db", "log"))
    driver, revision = emco.driver(emco.b), await emco.revision()
    await driver.deploy(workload(apps=["log", "web"]), emco.fence())
    await reaches(driver, InstanceState.RUNNING)
    assert (emco.runs(emco.b), await emco.revision()) == (["log", "web"], revision + 1)
    await driver.remove("shop", "shop-1", emco.fence())
    await is_gone(driver)
    assert (emco.runs(emco.a), emco.runs(emco.b)) == (["db", "log", "web"], [])
    await driver.deploy(workload("shop-2"), emco.fence())
    await reaches(driver, InstanceState.RUNNING, "shop-2")
    assert emco.runs(emco.b) == ["db", "log", "web"]


async def test_a_deploy_that_was_cut_off_is_taken_up(emco: World) -> None:
    """By another process, wherever it was cut: between the intent and the update, or after both."""
    await emco.begin()
    first, second = emco.driver(emco.b), emco.driver(emco.b)
    await first.deploy(workload(), emco.fence())
    revision = await emco.revision()
    await second.deploy(workload(), emco.fence())
    assert await emco.revision() == revision
    await reaches(second, InstanceState.RUNNING)
    with pytest.raises(InvalidWorkload, match="exists with other settings"):
        await second.deploy(workload(apps=["web"]), emco.fence())


async def test_one_copy_of_an_application_fits_on_a_cluster(emco: World) -> None:
    """EMCO knows no second one."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload("shop-1"), emco.fence())
    with pytest.raises(InvalidWorkload, match=f"shop-1 is on {emco.b}"):
        await driver.deploy(workload("shop-2"), emco.fence())


async def test_the_last_copy_is_not_removed(emco: World) -> None:
    """EMCO would refuse it; the intents and the instance stay as they are."""
    await emco.begin()
    before, driver = await emco.intent(), emco.driver(emco.a)
    await driver.adopt(workload(), emco.fence())
    with pytest.raises(InvalidRequest, match="terminate the group in EMCO instead"):
        await driver.remove("shop", "shop-1", emco.fence())
    assert await emco.intent() == before
    assert (await driver.observe("shop", "shop-1")).state is InstanceState.RUNNING


async def test_an_update_that_emco_refuses_leaves_the_intents_as_they_were(emco: World) -> None:
    """A cluster that is not in the logical cloud is found out by the update, when the intent is in place already."""
    await emco.begin()
    before, driver = await emco.intent(), emco.driver("elsewhere")
    with pytest.raises(InvalidWorkload, match="doesn't provide the mandatory clusters"):
        await driver.deploy(workload(), emco.fence())
    assert await emco.intent() == before


async def test_what_runs_is_adopted_and_given_back(emco: World) -> None:
    """Nothing changes in EMCO; what is not there, or not ready, cannot be adopted."""
    await emco.begin()
    driver, revision = emco.driver(emco.a), await emco.revision()
    found = await driver.adoptable(workload())
    assert (found.problems, len(found.endpoints["http"])) == ((), 1)
    assert found.parts == ("Deployment r1-web of web", "Service web-service of web")
    await driver.adopt(workload(), emco.fence())
    assert (await driver.observe("shop", "shop-1")).state is InstanceState.RUNNING
    await driver.release("shop", "shop-1", emco.fence())
    assert (await driver.observe("shop", "shop-1")).state is InstanceState.ABSENT
    assert (emco.runs(emco.a), await emco.revision()) == (["web"], revision)
    (problem,) = (await emco.driver(emco.b).adoptable(workload())).problems
    assert f"not on {PROVIDER}+{emco.b}" in problem
    with pytest.raises(InvalidWorkload, match="not on"):
        await emco.driver(emco.b).adopt(workload(), emco.fence())


async def test_orders_for_one_group_are_given_one_at_a_time(emco: World) -> None:
    """Two applications of a group move at once: no update leaves out what the other added."""
    await emco.begin(apps=("web", "db"))
    one, other = emco.driver(emco.b), emco.driver(emco.b)
    shop, store = workload(apps=["web"]), workload(apps=["db"]).model_copy(update={"application": "store"})
    await asyncio.gather(one.deploy(shop, emco.fence()), other.deploy(store, emco.fence()))
    await emco.settles()
    assert emco.runs(emco.b) == ["db", "web"]


async def test_whoever_was_overtaken_changes_nothing(emco: World) -> None:
    """A step that hung until its undo was done finds its fence too old, also in another process."""
    await emco.begin()
    driver, late = emco.driver(emco.b), emco.fence()
    await emco.driver(emco.b).remove("shop", "shop-1", Fence(lease=1, sequence=99))
    with pytest.raises(StaleFence):
        await driver.deploy(workload(), late)
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.a)}


async def test_nothing_is_added_before_the_last_update_is_carried_out(emco: World) -> None:
    """EMCO deletes nothing of a context that was not; so whoever comes waits, and says why."""
    await emco.begin(apps=("web", "db"))
    emco.memory(emco.c).faults.unavailable = True
    await emco.intend("db", {"allOf": named(emco.a, emco.c)})
    await emco.act("/v2/projects/p/composite-apps/shop/v1/deployment-intent-groups/dig/update")
    with pytest.raises(ClusterUnavailable, match="has not carried out the last update"):
        await emco.driver(emco.b, settle_seconds=0.3).deploy(workload(apps=["web"]), emco.fence())
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.a)}
    emco.memory(emco.c).faults.unavailable = False


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"project": "q"}, "Project not found|DeploymentIntentGroup not found"),
        ({"apps": ["web", "nope"]}, "no app intent for nope"),
        ({"apps": []}, "apps"),
        ({"group": "dig"}, "allowed are"),
    ],
)
async def test_a_workload_that_makes_no_sense_is_told_by_its_field(
    emco: World, said: dict[str, object], why: str
) -> None:
    """By plan and by deploy; nothing changes."""
    await emco.begin()
    driver, revision = emco.driver(emco.b), await emco.revision()
    with pytest.raises(InvalidWorkload, match=why) as error:
        await driver.deploy(workload(**said), emco.fence())
    assert error.value.field.startswith("workloads.emco")
    (problem,) = (await driver.plan(workload(**said))).problems
    assert problem == str(error.value)
    assert await emco.revision() == revision


async def test_a_plan_changes_nothing(emco: World) -> None:
    """It tells what would be put where, and what stands in the way."""
    await emco.begin(apps=("web", "db"))
    driver, revision = emco.driver(emco.b), await emco.revision()
    plan = await driver.plan(workload())
    assert (plan.creates, plan.problems) == (("shop-1",), ())
    assert plan.parts == tuple(f"{app} of p/shop/v1/dig on {PROVIDER}+{emco.b}" for app in ("web", "db"))
    assert "EMCO has no cluster" in (await emco.driver("nowhere").plan(workload())).problems[0]
    silent = emco.driver(emco.b, companion=None, endpoints={})
    assert silent is not driver
    (problem,) = (await silent.plan(workload())).problems
    assert problem.startswith("settings.endpoints.shop.http: must be given")
    assert await emco.revision() == revision
