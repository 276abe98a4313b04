# SPDX-License-Identifier: Apache-2.0
"""What fails at gateways of the Gateway API, or is changed there by others, while an application moves under traffic."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from relocate.model.relocation import Outcome, Phase
from steering.gateway_api.names import HTTP_ROUTE
from steering.kubernetes.api import JSON_PATCH, Api
from steering.kubernetes.connection import Kubeconfig
from steering.model import Acknowledgement
from tests.drills.scene import held_before
from tests.drills.waiting import eventually
from tests.e2e.healer import NAME, Healer, weights
from tests.e2e.scene import A, B, EdgeScene

Stage = Callable[..., Awaitable[EdgeScene]]

pytestmark = pytest.mark.parametrize("entry", ["traefik", "contour"], indirect=True)


async def test_when_a_replica_is_cut_off_the_switch_waits_and_names_it(stage: Stage) -> None:
    """It serves on, at an older version, and its own API says that all is well: nobody is moved half. `retry` goes back."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        with scene.site.cut("edge-2"):
            assert (await move.command("proceed")).status_code == 200
            await _answered_by(scene, "edge-1", B)
            view = await move.asks(seconds=90)
            assert "gateway instance edge-2 has not acknowledged yet: it still answers at version" in view.sentence
            assert await scene.answers("edge-2") == {A}
            assert (await scene.states(A), await scene.states(B)) == (["running"], ["running"])
        await _answered_by(scene, "edge-2", A, written=True)
        await move.decide("retry")
        await scene.went_back(move)
    (await scene.losses()).none()


async def test_when_a_replica_is_restarted_in_the_middle_of_the_switch_the_users_of_the_other_notice_nothing(
    stage: Stage,
) -> None:
    """It goes on once the new process shows the same; or back, when the old one had left too many requests untaken."""
    scene = await stage(through=("edge-1",), steps=[50, 100], hold_seconds=2)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    await scene.restart("edge-2")
    view = await move.ends(90)
    assert view.outcome in (Outcome.COMPLETED, Outcome.ROLLED_BACK)
    if view.outcome is Outcome.COMPLETED:
        await scene.completed(move)
    else:
        assert "were not taken by gateway instance edge-2" in view.sentence
        await scene.went_back(move)
    (await scene.losses()).none()


async def test_when_somebody_edits_the_route_midway_their_change_stands_until_a_person_has_seen_it(
    stage: Stage,
) -> None:
    """What was changed, and by whom, is told; `retry` replaces it, and users are on A."""
    scene = await stage(steps=[50, 100], hold_seconds=3)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    await _edit(scene, [{"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 7}])
    view = await move.asks()
    assert "was changed by somebody-else" in view.sentence
    assert "weight" in view.sentence
    await move.decide("retry")
    await scene.went_back(move)
    (await scene.losses()).none()


async def test_when_somebody_deletes_the_route_midway_it_is_written_anew_and_users_are_on_a(stage: Stage) -> None:
    """Who deleted it has lost users; it stands again with its Services, as before, and no operator had to be asked."""
    scene = await stage(bake_seconds=20)
    move = await scene.move()
    await move.reaches(Phase.BAKE)
    async with _somebody_else(scene) as api:
        await api.delete(HTTP_ROUTE, scene.site.name, scene.name)
    view = await move.ends(90)
    assert view.outcome is Outcome.ROLLED_BACK
    notes = [entry.claim.sentence for entry in scene.evidence(move)]
    assert any("had been deleted by somebody else, and was written anew" in note for note in notes)
    await scene.went_back(move)


async def _answered_by(scene: EdgeScene, replica: str, cluster: str, *, written: bool = False) -> None:
    """Wait until it is; and, if so `written`, by the route as it is written now."""

    async def moved() -> bool:
        stands = not written or await scene.stand(replica) is Acknowledgement.APPLIED
        return stands and await scene.answers(replica) == {cluster}

    await eventually(moved, f"answered by {cluster} at {replica}", 40)


async def _edit(scene: EdgeScene, patch: list[dict[str, object]]) -> None:
    async with _somebody_else(scene) as api:
        await api.patch(HTTP_ROUTE, scene.site.name, scene.name, patch, JSON_PATCH)


@asynccontextmanager
async def _somebody_else(scene: EdgeScene) -> AsyncIterator[Api]:
    """With access to the cluster."""
    api = Api(Kubeconfig(file=scene.site.hub.kubeconfig), manager="somebody-else")
    try:
        yield api
    finally:
        await api.close()


async def test_when_a_controller_heals_the_weights_it_is_named_and_not_fought(stage: Stage) -> None:
    """It leaves no mark but its deed: users stay where it wants them until a person has taken the route from it."""
    scene = await stage()
    async with Healer.at_work(scene.site.hub, scene.site.name, scene.name, weights([100, 0])) as healer:
        move = await scene.move()
        view = await move.asks(120)
        assert f"was changed by {NAME}: rule relocate.production" in view.sentence

        async def users_are_on_a() -> bool:
            return await scene.answers() == {A}

        await eventually(users_are_on_a, "where the controller wants them")
        await scene.calm(2)
        assert healer.heals == 1
    await move.decide("retry")
    await move.ends(120)
    await scene.went_back(move)
    (await scene.losses()).none()
