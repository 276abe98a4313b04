# SPDX-License-Identifier: Apache-2.0
"""A relocation as anybody asks for it: by the API, followed to its end."""

import asyncio
import time

import httpx

from relocate.demo.system import System
from relocate.model.relocation import Outcome, Status, View

DEADLINE_SECONDS = 120.0
"""Longest time for one move."""
LOOK_SECONDS = 0.25
"""Between two looks at a relocation: whoever looks all the time takes the time of those whom he measures."""


async def relocate(system: System, application: str, target: str) -> View:
    """Its view at the end.

    Raises:
        RuntimeError: it ended as nothing that could be compared, or asks for somebody.
        TimeoutError: it did not end in time.
    """
    async with system.client() as client:
        answer = await client.post("/relocate", json={"application": application, "target": target})
        view = await _followed(client, answer.raise_for_status().json()["id"])
    if view.outcome not in (Outcome.COMPLETED, Outcome.ROLLED_BACK):
        raise RuntimeError(f"a relocation ended as {view.outcome or view.status}: {view.sentence}")
    return view


async def _followed(client: httpx.AsyncClient, identity: str) -> View:
    """Its view at the end, or when it asks for somebody."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        found = await client.get(f"/v1/relocations/{identity}")
        view = View.model_validate(found.raise_for_status().json())
        if view.status in (Status.FINISHED, Status.HELD, Status.NEEDS_OPERATOR):
            return view
        if time.monotonic() > deadline:
            raise TimeoutError(f"{identity} did not end in {DEADLINE_SECONDS:g} s: {view.phase}: {view.sentence}")
        await asyncio.sleep(LOOK_SECONDS)
