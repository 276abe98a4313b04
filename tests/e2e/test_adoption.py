# SPDX-License-Identifier: Apache-2.0
"""An application that somebody else runs is adopted, released, and moved, while its users go on."""

from collections.abc import AsyncIterator, Mapping
from itertools import count

import pytest
import pytest_asyncio

from relocate.demo.system import System
from relocate.demo.traffic.plan import Flow, Protocol
from tests.e2e.adopted import StrangersScene
from tests.e2e.entries import Entry
from tests.e2e.healer import NAME
from tests.e2e.scene import A, B, Place

ARGO = "argocd.argoproj.io/tracking-id"

FLOWS = (
    Flow(protocol=Protocol.HTTP1, rate=20),
    Flow(protocol=Protocol.GRPC, rate=10),
    Flow(protocol=Protocol.WEBSOCKET, rate=5, path="/ws", life_seconds=2),
)

pytestmark = pytest.mark.parametrize("entry", ["traefik"], indirect=True)
_numbers = count(1)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(system: System, places: Mapping[str, Place], entry: Entry) -> AsyncIterator[StrangersScene]:
    """Users are on what somebody else runs."""
    system.processes.check()
    scene = StrangersScene(system, f"theirs-{next(_numbers)}", places, entry, FLOWS)
    try:
        await scene.open()
        yield scene
    finally:
        await scene.close()


async def test_it_is_adopted_released_adopted_again_and_moved_and_nothing_is_lost(scene: StrangersScene) -> None:
    """A look changes nothing, a release leaves it as it was, and once adopted it moves as if we had placed it."""
    before = await scene.stands()
    seen = await scene.adoption()
    assert (seen["problems"], seen["differences"]) == ([], [])
    assert {f"Deployment {scene.name}", f"HTTPRoute {scene.site.name}/{scene.name}"} <= set(seen["parts"])
    assert await scene.stands() == before
    adopted = await scene.adopt()
    assert (adopted.status_code, adopted.json().get("created_by")) == (200, "adopt"), adopted.text
    assert (await scene.document()).weights == {A: 100}
    await scene.calm()
    released = await scene.release()
    assert released.status_code == 200, released.text
    await scene.calm(3)
    assert await scene.stands() == before
    assert (await scene.adopt()).status_code == 200
    await scene.completed(await scene.move(), 120)
    refused = await scene.release()
    assert (refused.status_code, f"runs {B}, and that was not adopted" in refused.text) == (422, True)
    (await scene.losses()).none()


async def test_what_somebody_keeps_is_left_to_him(scene: StrangersScene) -> None:
    """Who heals the route is named by his deed, and the adoption given up; who has a mark, before anything is written."""
    before = await scene.stands()
    async with scene.healed() as healer:
        refused = await scene.adopt()
        assert (refused.status_code, f"was changed by {NAME}" in refused.text) == (409, True), refused.text
        assert healer.heals == 1
    assert await scene.stands() == before
    await scene.mark({ARGO: "shop:x"})
    assert "Argo CD application shop keeps it as it is" in str((await scene.adoption())["problems"])
    refused = await scene.adopt()
    assert (refused.status_code, "Argo CD application shop" in refused.text) == (422, True)
    await scene.mark({ARGO: None})
    assert await scene.stands() == before
    adopted = await scene.adopt()
    assert adopted.status_code == 200, adopted.text
    await scene.mark({ARGO: "shop:x"})

    assert "Argo CD application shop keeps route" in str((await scene.plan())["problems"])
    view = await (await scene.move()).ends(60)
    assert "Argo CD application shop keeps route" in view.sentence
    assert await scene.states(B) == []
    (await scene.losses()).none()
