# SPDX-License-Identifier: Apache-2.0
"""An application moves between two real Kubernetes clusters while its users go on."""

from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.sample import manifests
from tests.e2e.scene import B, EdgeScene

Stage = Callable[..., Awaitable[EdgeScene]]


@pytest.mark.parametrize("entry", ["envoy", "traefik", "contour"], indirect=True)
async def test_there_and_back_loses_nothing(stage: Stage) -> None:
    """Two relocations under traffic in five protocols; what was left is gone each time, and the record is whole."""
    scene = await stage()
    await scene.completed(await scene.move())
    scene.turn_round()
    await scene.completed(await scene.move())
    (await scene.losses()).none()


async def test_a_dry_run_says_what_would_be_made_and_what_would_stop_it(stage: Stage) -> None:
    """Everything that edge-b has to say is known before anything is changed."""
    scene = await stage(through=())
    good = await scene.plan()
    assert good["problems"] == []
    assert good["makes"] == [f"Service {scene.name}", f"Deployment {scene.name}"]
    manifest = manifests(scene.name)
    manifest[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "900"}}
    await scene.describe(manifest=manifest)
    bad = await scene.plan()
    assert bad["problems"] == [f"Deployment {scene.name}: a pod asks for cpu 900; no node that is ready has so much"]
    assert await scene.states(B) == []
