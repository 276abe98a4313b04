# SPDX-License-Identifier: Apache-2.0
"""An application's users, and the moves that they must not notice, asked of a release's API."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from relocate.demo import site
from relocate.demo.drive import Traffic
from relocate.demo.traffic.record import read_recording
from relocate.model.relocation import Outcome, View
from steering.model import Endpoint
from tests.drills.losses import Losses
from tests.drills.move import Move
from tests.drills.scene import FLOWS
from tests.e2e.chart.surroundings import APPLICATION, Surroundings

PATIENCE_SECONDS = 150.0
"""However busy the machine is."""


@dataclass(frozen=True)
class Users:
    """Of the one application."""

    surroundings: Surroundings
    client: httpx.AsyncClient
    """Of the API."""
    entrance: Endpoint
    """Where the gateway is reached."""
    application: str = APPLICATION

    async def names(self, kind: str) -> set[str]:
        """Of everything of a kind that is configured."""
        answer = await self.client.get(f"/v1/{kind}")
        return {one["name"] for one in answer.raise_for_status().json()}

    async def place(self, cluster: str) -> None:
        """Make the first placement."""
        answer = await self.client.put(f"/v1/applications/{self.application}/placement", json={"cluster": cluster})
        assert answer.is_success, answer.text

    async def move(self, target: str) -> Move:
        """Ask for a relocation."""
        answer = await self.client.post("/relocate", json={"application": self.application, "target": target})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return Move(self.client, answer.json()["id"])

    async def completed(self, move: Move) -> View:
        """Wait for its end, which is the one that is hoped for."""
        view = await move.ends(PATIENCE_SECONDS)
        assert view.outcome is Outcome.COMPLETED, view.sentence
        return view

    async def placement(self) -> str:
        """The cluster that serves it."""
        answer = await self.client.get(f"/v1/applications/{self.application}/placement")
        return str(answer.raise_for_status().json()["active"])

    @asynccontextmanager
    async def losing_nothing(self) -> AsyncIterator[None]:
        """Traffic in five protocols while the block runs; every request is answered right."""
        traffic = Traffic(self.surroundings.system, self.application, FLOWS)
        traffic.listeners = dict.fromkeys(site.INSTANCES, self.entrance)
        traffic.feed.unlink(missing_ok=True)
        await traffic.start()
        try:
            await traffic.first_number()
            since = time.time_ns()
            yield
            until = time.time_ns()
        finally:
            await traffic.stop()
        Losses(read_recording(traffic.records), (since, until)).none()
