# SPDX-License-Identifier: Apache-2.0
"""The samples that have EMCO run this service, in emcoctl's order, on the simulated one. What it renders: tests/helm/test_emco.py."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import pytest

from relocate.clusters.memory import MemoryDriver
from tests.emco_sim.conftest import Site
from tests.workflow.emcoctl import documents, sent
from tests.workflow.run import eventually

CREATED, ACCEPTED = [HTTPStatus.CREATED], [HTTPStatus.ACCEPTED]


@pytest.fixture
async def service(make_site: Callable[..., Site]) -> Site:
    """An EMCO with a provider and a project, and the service on a cluster of its own."""
    site = make_site()
    await site.apply("migrate/00.clusters-and-project.yaml")
    assert await _applied(site, "00.cluster-and-logical-cloud.yaml") == CREATED * 3
    assert await _applied(site, "01.logical-cloud.yaml") == ACCEPTED
    await _begin(site)
    return site


async def test_emco_runs_the_service(service: Site) -> None:
    """On the cluster that was named, and nowhere else."""
    assert (await _status(service))["deployedStatus"] == "Instantiated"
    used = {name for name, cluster in MemoryDriver.clusters.items() if name in _clusters(service) and cluster.instances}
    assert used == {service.filled["ServiceCluster"]}


async def test_another_version_comes_after_the_old_one(service: Site) -> None:
    """Terminated, and then put there anew under another version by the same files."""
    assert await _applied(service, "05.terminate.yaml") == ACCEPTED
    await _comes_to(service, "Terminated")
    assert not service.cluster("Service").instances
    service.filled["ServiceVersion"] = "v2"
    await _begin(service)
    assert len(service.cluster("Service").instances) == 1


async def test_a_cluster_that_emco_has_is_no_obstacle(service: Site) -> None:
    """409 for what is there, as the how-to says."""
    assert await _applied(service, "00.cluster-and-logical-cloud.yaml") == [HTTPStatus.CONFLICT] * 3


def _clusters(site: Site) -> Sequence[str]:
    return [site.filled[f"{one}Cluster"] for one in ("Source", "Target", "Service")]


async def _applied(site: Site, file: str) -> Sequence[int]:
    return [answer.status_code for answer in await site.apply(f"service/{file}")]


async def _begin(site: Site) -> None:
    assert await _applied(site, "02.application.yaml") == CREATED * 8
    assert await _applied(site, "03.instantiate.yaml") == ACCEPTED * 2
    await _comes_to(site, "Instantiated")


async def _status(site: Site) -> Mapping[str, Any]:
    """By the sample that asks for it."""
    (document,) = documents("service/04.status.yaml", site.filled)
    answer = await sent(site.client, "GET", document)
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: Mapping[str, Any] = answer.json()
    return found


async def _comes_to(site: Site, wanted: str) -> None:
    async def is_so() -> bool:
        return bool((await _status(site))["deployedStatus"] == wanted)

    await eventually(is_so)
