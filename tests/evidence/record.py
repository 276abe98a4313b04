# SPDX-License-Identifier: Apache-2.0
"""Records the records that the evidence tests take as golden samples: `python -m tests.evidence.record`.

One of each outcome, made by the workflow tests' stories on real workers. Run it when activities put other samples into
their claims on purpose; until then the old ones must go on verifying, for somebody has downloaded such.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from relocate.attestation import collect
from relocate.model.relocation import Outcome, Phase, Status
from tests.replay import record as histories
from tests.workflow.run import Run
from tests.workflow.service import Service, dev_server, running_service
from tests.workflow.world import World

RECORDS = Path(__file__).parent / "records"


async def forced_drain(world: World) -> Run:
    """One stream stays on A, and the request says that it is cut at the deadline."""
    world.gateway.open_stream("edge-1", world.app)
    drain = {"window_seconds": 0.2, "deadline_seconds": 0.5, "at_deadline": "force"}
    return await world.relocate(target=world.b, options={"drain": drain})


async def completed(world: World) -> Run:
    """A move in two steps, watched for long enough that whole seconds are on record."""
    drain = {"window_seconds": 0.3, "deadline_seconds": 10}
    options = {"steps": [50, 100], "hold_seconds": 1.5, "bake_seconds": 2, "drain": drain}
    return await world.relocate(target=world.b, reason="the UE moved", options=options)


async def asking(world: World) -> Run:
    """There is no way back, and nobody has decided yet."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    world.gateway.down.add(world.a)
    world.data_plane.broken[world.b] = 500
    await run.asks()
    return run


STORIES: Mapping[str, tuple[Callable[[World], Awaitable[Run]], Outcome | None]] = {
    "completed": (completed, Outcome.COMPLETED),
    "rolled-back": (histories.rolled_back, Outcome.ROLLED_BACK),
    "cancelled": (histories.cancelled, Outcome.CANCELLED),
    "settled": (histories.settled, Outcome.COMPLETED),
    "forced-drain": (forced_drain, Outcome.COMPLETED),
    "asking": (asking, None),
}


async def record() -> None:
    """Play each story once and keep its record."""
    RECORDS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with dev_server() as client, running_service(client, Path(folder), cached_workflows=1000) as service:
            for name, (story, outcome) in STORIES.items():
                await _keep(service, name, story, outcome)


async def _keep(service: Service, name: str, story: Callable[[World], Awaitable[Run]], outcome: Outcome | None) -> None:
    world = World(service)
    try:
        await world.begin()
        run = await story(world)
        view = run.view if outcome is None else await run.ended()
        if view.outcome is not outcome or (outcome is None and view.status is not Status.NEEDS_OPERATOR):
            raise RuntimeError(f"{name} ended as {view.outcome}: {view.sentence}")
        found = collect(service.database, run.id)
        (RECORDS / f"{name}.json").write_text(found.model_dump_json() + "\n")
    finally:
        await world.close()


if __name__ == "__main__":
    asyncio.run(record())
