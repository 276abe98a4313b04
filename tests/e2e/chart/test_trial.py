# SPDX-License-Identifier: Apache-2.0
"""A trial of the chart: one pod, which brings Temporal and a database, on a cluster that has neither."""

import base64
from dataclasses import replace

from steering.kubernetes.objects import Kind
from tests.drills.waiting import eventually
from tests.e2e.chart import traefik
from tests.e2e.chart.inventory import objects
from tests.e2e.chart.release import END_SECONDS, FULL_NAME, LABELS, POD, Release, node_port
from tests.e2e.chart.surroundings import TRIED, Surroundings
from tests.e2e.chart.users import Users
from tests.e2e.scene import A, B
from tests.helm.chart import Helm

IMAGE = "dev"
"""Tag of the image of trials."""
SECRET = Kind("v1", "Secret")


async def test_a_trial_moves_an_application_and_loses_nothing(helm: Helm, surroundings: Surroundings) -> None:
    """One pod is there, an upgrade keeps its token, its users notice no move; uninstalled, nothing of it is left."""
    found = surroundings
    release = Release(helm, found.edge_a, found.namespace, found.trial(), found.system.folder, "")
    try:
        assert "This is a trial" in await release.install(IMAGE)
        token = await _token(release)
        async with await replace(release, token=token).client() as client:
            entrance = await node_port(found.edge_a, found.gateway.namespace, traefik.NAME)
            users = Users(found, client, entrance, TRIED)
            await users.place(A)
            assert f"would make Service {TRIED}, Deployment {TRIED}" in await release.test()
            async with users.losing_nothing():
                await users.completed(await users.move(B))
            assert await users.placement() == B
        assert len((await found.edge_a.api.list(POD, found.namespace, labels=LABELS)).items) == 1
        await release.upgrade(IMAGE)
        assert await _token(release) == token
    finally:
        await release.uninstall()

    async def gone() -> bool:
        return not await objects(found.edge_a, LABELS)

    await eventually(gone, "gone", END_SECONDS)


async def _token(release: Release) -> str:
    """The one that the chart has made."""
    secret = await release.edge.api.get(SECRET, release.namespace, f"{FULL_NAME}-dev-tokens")
    return base64.b64decode(secret["data"]["token"]).decode()
