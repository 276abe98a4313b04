# SPDX-License-Identifier: Apache-2.0
"""The contract of cluster drivers, kept on a real Kubernetes cluster: the same cases as for every other kind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from relocate.clusters.contract import Workload
from relocate.clusters.kubernetes import KubernetesDriver
from tests.clusters.conversation import Conversation
from tests.clusters.test_contract import *  # noqa: F403 - every case that is there, and those that will come
from tests.e2e.account import Account
from tests.e2e.edge import Edge
from tests.e2e.sample import manifests

TRIES, PAUSE_SECONDS = 100, 0.1


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(edge_a: Edge, tmp_path: Path) -> AsyncIterator[Conversation]:
    """A conversation with edge-a, in a namespace of its own, with the rights that are published."""
    async with edge_a.namespace() as namespace, edge_a.line() as line:
        account = Account(edge_a, namespace)
        await account.grant()
        connection = {"kind": "kubeconfig", "file": str(await account.kubeconfig(tmp_path, line))}
        # Whoever crashes has failed at once: these cases wait for that, and not for a cluster's patience.
        settings = {"connection": connection, "namespaces": [namespace], "timeout_seconds": 3, "patience_seconds": 0}
        driver = KubernetesDriver.open("mec-a", settings)
        ends: list[asyncio.Future[None]] = []

        def break_off() -> None:
            # Refused at once; what a silence costs is test_driver_connection's matter.
            ends.append(asyncio.ensure_future(line.close()))

        yield Conversation(driver, _workload, lambda instance: _crash(driver, instance), break_off)
        await asyncio.gather(*ends)
        await driver.close()


@pytest.fixture
def own(cluster: Conversation) -> Conversation:
    """Nobody else has a say on it."""
    return cluster


def _workload(instance: str, **settings: Any) -> Workload:
    said = {"manifests": manifests(instance)} | settings
    return Workload(application="echo", instance=instance, ports=("http",), settings=said)


async def _crash(driver: KubernetesDriver, instance: str) -> None:
    """Ready is not reachable: the order is repeated until it has arrived."""
    endpoint = (await driver.observe("echo", instance)).endpoints["http"][0]
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(TRIES):
            try:
                (await client.post(f"http://{endpoint}/fault", params={"exit": 3})).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return
    pytest.fail(f"{endpoint} took no order")
