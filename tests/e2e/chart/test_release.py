# SPDX-License-Identifier: Apache-2.0
"""The chart is installed, used, upgraded in the middle of a relocation, rolled back and taken away: one walk, in this order."""

import pytest

from relocate.model.relocation import Phase
from tests.drills.waiting import eventually
from tests.e2e.chart.inventory import objects
from tests.e2e.chart.release import END_SECONDS, LABELS, NAME, Release
from tests.e2e.chart.surroundings import APPLICATION, GATEWAY, Surroundings
from tests.e2e.chart.users import PATIENCE_SECONDS, Users
from tests.e2e.scene import A, B
from tests.helm.chart import HelmError

FIRST, OTHER = "first", "other"
"""Builds, by the tags of their images."""
LASTING = (Phase.DEPLOY, Phase.PREPARE, Phase.READY, Phase.SWITCH, Phase.BAKE, Phase.DRAIN, Phase.TEARDOWN)
"""The others are decisions, and over before a pod can be evicted."""


@pytest.fixture(scope="module")
def before() -> set[tuple[str, str, str]]:
    """What is in the cluster before the release is; a test fills it in."""
    return set()


async def test_it_is_installed_and_ready(
    release: Release, surroundings: Surroundings, before: set[tuple[str, str, str]]
) -> None:
    """Helm waits until every process is ready, and its hooks have left nothing."""
    before |= await objects(surroundings.edge_a)
    said = await release.install(FIRST)
    assert f"runs as {NAME}" in said
    await release.runs(FIRST, FIRST)
    jobs = [name for kind, _, name in await objects(surroundings.edge_a, LABELS) if kind == "Job"]
    assert jobs == []


async def test_what_the_values_say_is_configured(users: Users) -> None:
    """Gateways, clusters and applications are in the catalogue."""
    for kind, names in {"gateways": {GATEWAY}, "clusters": {A, B}, "applications": {APPLICATION}}.items():
        assert await users.names(kind) == names


async def test_helm_test_prints_the_plan(release: Release, users: Users) -> None:
    """A dry run on both clusters, by the rights that the release has."""
    await users.place(A)
    said = await release.test()
    assert f"would make Service {APPLICATION}, Deployment {APPLICATION}" in said


async def test_workers_evicted_in_every_phase_lose_nothing(release: Release, users: Users) -> None:
    """Each phase that lasts goes on in another pod, with the rights that the chart gives, and no more."""
    async with users.losing_nothing():
        move = await users.move(B)
        for phase in LASTING:
            await move.reaches(phase, PATIENCE_SECONDS)
            await release.evict("worker")
        await users.completed(move)
    assert await users.placement() == B


async def test_an_upgrade_in_mid_bake_loses_nothing(release: Release, users: Users) -> None:
    """The relocation ends on the code on which it began, which could not go on with its history otherwise; until then it is kept."""
    async with users.losing_nothing():
        move = await users.move(A)
        await move.reaches(Phase.BAKE, PATIENCE_SECONDS)
        await move.command("hold")
        await release.upgrade(OTHER, FIRST)
        await release.runs(OTHER, FIRST, OTHER)
        with pytest.raises(HelmError, match=f"Build {FIRST} has 1 that runs: {move.id}"):
            await release.upgrade(OTHER)
        await move.command("proceed")
        await users.completed(move)
    assert await users.placement() == A


async def test_what_begins_after_an_upgrade_runs_on_the_new_code(release: Release, users: Users) -> None:
    """And the workers of the former one may go."""
    await users.completed(await users.move(B))
    await release.upgrade(OTHER)
    await release.runs(OTHER, OTHER)


async def test_a_rollback_brings_the_former_code_back(release: Release, users: Users) -> None:
    """On the database as it is; it works as before."""
    await release.rollback(1)
    await release.runs(FIRST, FIRST)
    async with users.losing_nothing():
        await users.completed(await users.move(A))


async def test_nothing_is_left_when_it_is_uninstalled(
    release: Release, surroundings: Surroundings, before: set[tuple[str, str, str]]
) -> None:
    """But for what it placed, which goes on serving."""
    await release.uninstall()

    async def gone() -> bool:
        return not await objects(surroundings.edge_a, LABELS)

    await eventually(gone, "gone", END_SECONDS)
    left = await objects(surroundings.edge_a) - before
    assert {namespace for _, namespace, _ in left} == {surroundings.apps}
