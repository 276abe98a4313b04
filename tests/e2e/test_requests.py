# SPDX-License-Identifier: Apache-2.0
"""How often the service asks the clusters, as their API servers count it."""

from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.scene import A, B, EdgeScene
from tests.testbed.audit import OURS, Audited
from tests.testbed.clusters import Clusters

Stage = Callable[..., Awaitable[EdgeScene]]

BY_HAND = 14
"""Requests of `kubectl apply`, `rollout status` and `delete` for the sample application, its cache warm (`make bench-k8s`)."""
MOVES = 3
"""One of so many has to stay within it."""


async def test_a_relocation_asks_the_clusters_at_most_twice_as_often_as_kubectl_does(
    stage: Stage, edge_clusters: Clusters
) -> None:
    """It is told of changes by watches, which the first move has opened. Of three moves the best: a busy cluster is asked longer."""
    if edge_clusters.bed is None:
        pytest.skip("these clusters are not a test bed's: their audit logs are not ours to read")
    scene = await stage(through=())
    await (await scene.move()).ends()
    told = []
    for _ in range(MOVES):
        scene.turn_round()
        with Audited(edge_clusters.bed, OURS) as asked:
            await (await scene.move()).ends()
        if asked.of(A, B) <= 2 * BY_HAND:
            return
        told.append({cluster: dict(counted) for cluster, counted in asked.counted.items()})
    pytest.fail(f"asked too often in each of {MOVES} moves: {told}")
