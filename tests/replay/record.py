# SPDX-License-Identifier: Apache-2.0
"""Records the histories that the replay tests hold on to: `python -m tests.replay.record`.

Run it when the runbook was changed on purpose, and no run of an older version can be open any more. Until then the
old histories must go on replaying: they stand for the runs that were open when a new version was rolled out.
"""

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from relocate.model.relocation import Outcome, Phase
from tests.workflow.run import Run
from tests.workflow.service import Service, dev_server, running_service
from tests.workflow.world import World

STACK_TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')

HISTORIES = Path(__file__).parent / "histories"


async def completed(world: World) -> Run:
    """A move that completes, in two steps."""
    return await world.relocate(target=world.b, options={"steps": [50, 100]})


async def rolled_back(world: World) -> Run:
    """B fails users in the bake, after another target did not come up."""
    world.fail_on(world.b, "image not found")
    run = await world.relocate(candidates=[world.b, world.c], options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    world.data_plane.broken[world.c] = 500
    return run


async def cancelled(world: World) -> Run:
    """Held, and cancelled in the drain."""
    world.gateway.open_stream("edge-1", world.app)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.DRAIN)
    await run.command("hold")
    await run.cancel()
    return run


async def settled(world: World) -> Run:
    """There is no way back, and an operator settles on B."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    world.gateway.down.add(world.a)
    world.data_plane.broken[world.b] = 500
    await run.asks()
    world.data_plane.broken.clear()
    await run.command("settle", world.b)
    return run


STORIES: Mapping[str, tuple[Callable[[World], Awaitable[Run]], Outcome]] = {
    "relocate-completed": (completed, Outcome.COMPLETED),
    "relocate-rolled-back": (rolled_back, Outcome.ROLLED_BACK),
    "relocate-cancelled": (cancelled, Outcome.CANCELLED),
    "relocate-settled": (settled, Outcome.COMPLETED),
}


async def record() -> None:
    """Play each story once and keep its history, and that of a first placement."""
    with tempfile.TemporaryDirectory() as folder:
        async with dev_server() as client, running_service(client, Path(folder), cached_workflows=1000) as service:
            for name, (story, outcome) in STORIES.items():
                await _keep(service, name, story, outcome)
            await _keep_placement(service)


async def _keep(service: Service, name: str, story: Callable[[World], Awaitable[Run]], outcome: Outcome) -> None:
    world = World(service)
    try:
        await world.begin()
        run = await story(world)
        view = await run.ended()
        if view.outcome is not outcome:
            raise RuntimeError(f"{name} ended as {view.outcome}: {view.sentence}")
        _write(name, (await run.handle.fetch_history()).to_json())
    finally:
        await world.close()


async def _keep_placement(service: Service) -> None:
    world = World(service)
    try:
        await world.begin_unplaced()
        placement = await world.place(world.a)
        handle = service.client.get_workflow_handle(placement.created_by)
        _write("place-completed", (await handle.fetch_history()).to_json())
    finally:
        await world.close()


def _write(name: str, history: str) -> None:
    # Stack traces name places on the machine that recorded; a replay does not look at them.
    (HISTORIES / f"{name}.json").write_text(STACK_TRACE.sub('"stackTrace": ""', history) + "\n")


if __name__ == "__main__":
    asyncio.run(record())
