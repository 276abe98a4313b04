# SPDX-License-Identifier: Apache-2.0
"""One relocation of a drill, as the API shows it."""

import asyncio
import time
from collections.abc import Callable

import httpx

from relocate.model.relocation import Phase, Status, Step, View
from tests.drills.waiting import eventually


class Move:
    """One relocation, followed through the API as anybody would."""

    def __init__(self, client: httpx.AsyncClient, identity: str) -> None:
        self._client = client
        self.id = identity

    async def view(self) -> View:
        """As the API shows it now."""
        answer = await self._client.get(f"/v1/relocations/{self.id}")
        return View.model_validate(answer.raise_for_status().json())

    async def until(self, true: Callable[[View], bool], what: str, seconds: float = 30) -> View:
        """Wait; a relocation that ends, or asks for an operator, before it is true fails the drill."""
        deadline = time.monotonic() + seconds
        while not true(view := await self.view()):
            over = view.status in (Status.FINISHED, Status.NEEDS_OPERATOR)
            assert not over, f"never {what}: it is {view.outcome or view.status}: {view.sentence}"
            assert time.monotonic() < deadline, f"not {what} after {seconds} s: {view.phase}: {view.sentence}"
            await asyncio.sleep(0.02)
        return view

    async def asks(self, seconds: float = 45) -> View:
        """Wait until it needs an operator; an end before that fails the drill."""
        deadline = time.monotonic() + seconds
        while (view := await self.view()).status is not Status.NEEDS_OPERATOR:
            assert view.status is not Status.FINISHED, f"it is {view.outcome}: {view.sentence}"
            assert time.monotonic() < deadline, f"nobody is asked after {seconds} s: {view.phase}: {view.sentence}"
            await asyncio.sleep(0.02)
        return view

    async def says(self, text: str, seconds: float = 30) -> View:
        """Wait until its sentence has this in it, whatever its status."""
        deadline = time.monotonic() + seconds
        while text not in (view := await self.view()).sentence:
            assert time.monotonic() < deadline, f"{text!r} is not said after {seconds} s: {view.sentence}"
            await asyncio.sleep(0.02)
        return view

    async def reaches(self, phase: Phase, seconds: float = 30) -> View:
        """Wait until this phase runs, now."""
        return await self.until(lambda view: step(view, phase).state == "running", f"in {phase}", seconds)

    async def ends(self, seconds: float = 45) -> View:
        """Wait until it has finished; whatever else it may wait for is a failure of the drill."""
        return await self.until(lambda view: view.status is Status.FINISHED, "finished", seconds)

    async def decide(self, name: str, **body: str) -> None:
        """Answer what an operator is asked, and wait until it goes on by that."""
        answer = await self.command(name, **body)
        assert answer.status_code == 200, answer.text

        async def goes_on() -> bool:
            return (await self.view()).status is not Status.NEEDS_OPERATOR

        await eventually(goes_on, f"going on after {name}")

    async def command(self, name: str, **body: str) -> httpx.Response:
        """Say something to it."""
        return await self._client.post(f"/v1/relocations/{self.id}/{name}", json={"why": "drill", **body})


def step(view: View, phase: Phase) -> Step:
    """One phase of a relocation."""
    return next(one for one in view.steps if one.phase is phase)
