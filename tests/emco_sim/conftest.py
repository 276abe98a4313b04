# SPDX-License-Identifier: Apache-2.0
"""A simulated EMCO on two clusters in memory, with one group that the samples' files have brought up."""

from collections.abc import AsyncIterator, Callable, Mapping
from itertools import count
from typing import Any

import httpx
import pytest
import yaml

from relocate.clusters.memory import MemoryCluster, MemoryDriver
from relocate.emco_sim.api import application
from relocate.emco_sim.emco import Emco
from relocate.emco_sim.rsync import Release
from tests.workflow.emcoctl import documents, sent, values

_numbers = count(1)


class Site:
    """An EMCO, and who asks it."""

    def __init__(self, emco: Emco, client: httpx.AsyncClient, number: int) -> None:
        """Args: emco: that is asked; client: who asks; number: of this site, so that clusters in memory are its own."""
        self.emco = emco
        self.client = client
        mine = {
            "SourceCluster": f"sim-a-{number}",
            "TargetCluster": f"sim-b-{number}",
            "ServiceCluster": f"sim-hub-{number}",
        }
        self.filled = values() | mine
        self.group = (
            f"/v2/projects/{self.filled['Project']}/composite-apps/{self.filled['CompositeApp']}/{self.filled['Version']}"
            f"/deployment-intent-groups/{self.filled['Group']}"
        )
        self.intent = f"{self.group}/generic-placement-intents/placement/app-intents/{self.filled['App']}-placement"

    def cluster(self, which: str) -> MemoryCluster:
        """The `Source`, the `Target` or the one of the `Service`, as the memory driver has it."""
        return MemoryDriver.clusters[self.filled[f"{which}Cluster"]]

    async def apply(self, file: str) -> list[httpx.Response]:
        """Each document of a sample file, as emcoctl sends it."""
        return [await sent(self.client, "POST", one, _file(one)) for one in documents(file, self.filled)]

    async def bring_up(self, kind: str = "relocate") -> None:
        """The samples 00 to 03."""
        for number, name in enumerate(("clusters-and-project", "logical-cloud", "application", "instantiate")):
            for answer in await self.apply(f"{kind}/0{number}.{name}.yaml"):
                assert answer.status_code in (201, 202), (answer.request.url, answer.text)

    async def place(self, *which: str) -> httpx.Response:
        """Let the app intent name these clusters, `Source` and `Target`; nothing happens before an update."""
        named = [{"clusterProvider": self.filled["Provider"], "cluster": self.filled[f"{one}Cluster"]} for one in which]
        body = {
            "metadata": {"name": f"{self.filled['App']}-placement"},
            "spec": {"app": self.filled["App"], "intent": {"allOf": named}},
        }
        return await self.client.put(self.intent, json=body)

    async def update(self) -> httpx.Response:
        """Carry out what the intents say now; without a body, as the original does it."""
        return await self.client.post(f"{self.group}/update", content=b"", headers={"Content-Type": ""})

    async def status(self, **query: str) -> Mapping[str, Any]:
        """What has become of the group."""
        answer = await self.client.get(f"{self.group}/status", params=query)
        assert answer.status_code == 200, answer.text
        found: Mapping[str, Any] = answer.json()
        return found


def _file(document: Mapping[str, Any]) -> bytes | None:
    """What stands in the file that a sample names, if it names one."""
    if "file" not in document:
        return None
    if document["resourceContext"]["anchor"].endswith("/clusters"):
        return yaml.safe_dump({"driver": "memory"}).encode()
    return yaml.safe_dump({"ports": ["http"], "workloads": {"memory": {}}}).encode()


@pytest.fixture
async def make_site() -> AsyncIterator[Callable[..., Site]]:
    """Sites of a release's behaviour; they end with the test."""
    made: list[Site] = []

    def make(release: Release = Release.R22_03) -> Site:
        emco, number = Emco(release), next(_numbers)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(application(emco)), base_url="http://emco")
        made.append(Site(emco, client, number))
        return made[-1]

    yield make
    for site in made:
        await site.client.aclose()
        await site.emco.close()


@pytest.fixture
async def site(make_site: Callable[..., Site]) -> Site:
    """An EMCO whose group is up on the source."""
    site = make_site()
    await site.bring_up()
    return site
