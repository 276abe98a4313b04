# SPDX-License-Identifier: Apache-2.0
"""A real service that is asked for its metrics, and moved to and fro so that there are some."""

from collections.abc import Iterable, Mapping

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase, Status, View
from tests.drills.move import Move, step
from tests.drills.scene import A, B, application

NAME = "observed"


class Service:
    """A system with an application of its own on it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.ports: Mapping[str, int] = {"api": system.ports.metrics, **system.ports.scraped}
        """Where each process tells its metrics, on loopback."""
        self._client = system.client()
        self._at = A

    async def place(self) -> None:
        """Make the first placement."""
        await self.system.describe(application(NAME, bake_seconds=0.5))
        await self.system.place(NAME, A)

    async def relocate(self, headers: Mapping[str, str] | None = None) -> View:
        """To the other cluster, to its end; the request has these headers besides."""
        move = await self._move(headers)
        view = await move.ends()
        assert view.outcome is Outcome.COMPLETED, view.sentence
        self._at = B if self._at == A else A
        return view

    async def go_back(self) -> View:
        """Begin, hold after the gate, and cancel."""
        move = await self._move()
        await move.reaches(Phase.DEPLOY)
        answer = await move.command("hold")
        assert answer.status_code == 200, answer.text
        await move.until(lambda view: view.status is Status.HELD and step(view, Phase.DEPLOY).state == "done", "held")
        await move.command("cancel")
        view = await move.ends()
        assert view.outcome is Outcome.CANCELLED, view.sentence
        return view

    async def _move(self, headers: Mapping[str, str] | None = None) -> Move:
        body = {"application": NAME, "target": B if self._at == A else A}
        answer = await self._client.post("/relocate", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return Move(self._client, answer.json()["id"])

    async def get(self, process: str, path: str) -> httpx.Response:
        """Ask a process's side listener."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            return await client.get(f"http://127.0.0.1:{self.ports[process]}{path}")

    async def scrape(self, process: str) -> str:
        """Its metrics, as Prometheus gets them."""
        return (await self.get(process, "/metrics")).raise_for_status().text

    async def metrics(self, process: str) -> list[Metric]:
        """Its metrics, read."""
        return list(text_string_to_metric_families(await self.scrape(process)))

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


def value(metrics: Iterable[Metric], name: str, **labels: str) -> float:
    """The sum of all samples of this name with at least these labels; there is one."""
    found = [
        sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert found, f"no sample of {name} with {labels}"
    return sum(found)
