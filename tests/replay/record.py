# SPDX-License-Identifier: Apache-2.0
"""Records the histories that the replay tests hold on to: `python -m tests.replay.record`, or some: `... NAME NAME`.

Run it when the runbook was changed on purpose, and no run of an older version can be open any more. Until then the
old histories must go on replaying: they stand for the runs that were open when a new version was rolled out.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

from relocate.emco.moves import MIGRATE, RELOCATE, Move
from relocate.model.relocation import Outcome, Phase
from tests.workflow.emco import Manager, bakes
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


PLACEMENT = "place-completed"

EMCO_STORIES: Mapping[str, tuple[Move, bool]] = {
    "emcomigrate-completed": (MIGRATE, False),
    "emcorelocate-cancelled": (RELOCATE, True),
}
"""Which of EMCO's workflows, and whether it is cancelled."""


async def record(wanted: Collection[str]) -> None:
    """Play each story once and keep its history, that of a first placement, and those of EMCO's workflows.

    Args:
        wanted: names of those that are recorded; none is all.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with dev_server() as client, running_service(client, Path(folder), cached_workflows=1000) as service:
            for name, (story, outcome) in STORIES.items():
                if not wanted or name in wanted:
                    await _keep(service, name, story, outcome)
            if not wanted or PLACEMENT in wanted:
                await _keep_placement(service)
            for name, (move, cancels) in EMCO_STORIES.items():
                if not wanted or name in wanted:
                    await _keep_emco(service, name, move, cancels=cancels)


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
        _write(PLACEMENT, (await handle.fetch_history()).to_json())
    finally:
        await world.close()


async def _keep_emco(service: Service, name: str, move: Move, *, cancels: bool) -> None:
    """What workflowmgr starts, and the relocation under it (the same name, with `relocate-` before it)."""
    world = World(service)
    try:
        await world.begin()
        if cancels:
            bakes(world, 20)
        managed = await Manager(world).start(move)
        run = await managed.relocation()
        if cancels:
            await run.in_phase(Phase.BAKE)
            await managed.handle.cancel()
        await managed.status()
        _write(name, (await managed.handle.fetch_history()).to_json())
        _write(f"relocate-under-{name}", (await run.handle.fetch_history()).to_json())
    finally:
        await world.close()


def _write(name: str, history: str) -> None:
    # Stack traces name places on the machine that recorded; a replay does not look at them.
    (HISTORIES / f"{name}.json").write_text(STACK_TRACE.sub('"stackTrace": ""', history) + "\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:]))
