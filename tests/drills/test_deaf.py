# SPDX-License-Identifier: Apache-2.0
"""When a gateway instance goes on serving its users, and cannot be told anything: its control connection is cut."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest_asyncio

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase, Status
from steering.model import Acknowledgement
from steering.store.engine import engine
from steering.store.gateways import Connected, GatewayStore, Session, Stand, Told
from tests.drills.move import step
from tests.drills.scene import A, B, Scene, held_before
from tests.drills.waiting import eventually
from tests.line import Line

Stage = Callable[..., Awaitable[Scene]]


@pytest_asyncio.fixture(loop_scope="session")
async def uplink(system: System) -> AsyncIterator[Line]:
    """The way of edge-2 to its control plane."""
    line = Line(system.ports.control)
    await line.start()
    system.uplinks = {"edge-2": line.port}
    await system.restart_gateway("edge-2")
    yield line
    system.uplinks = {}
    await system.restart_gateway("edge-2")
    await line.close()


async def test_when_a_gateway_instance_is_deaf_nothing_goes_on_until_it_hears(stage: Stage, uplink: Line) -> None:
    """edge-1 has switched, edge-2 has not and serves on: both sides are kept; when it hears, the relocation completes."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        async with uplink.silent():
            await move.command("proceed")
            await until_from(scene, "edge-1", B)
            await until_deaf(scene, "edge-2")
            await half_switched(scene, Acknowledgement.DEAF)
            assert (await move.view()).weights == {A: 100, B: 0}
        await scene.completed(move)
    (await scene.losses()).none()


async def test_when_a_gateway_instance_is_deaf_a_cancel_waits_for_it_too(stage: Stage, uplink: Line) -> None:
    """The way back has to be proven at every instance as well: it ends when the deaf one hears."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        async with uplink.silent():
            await move.command("proceed")
            await until_from(scene, "edge-1", B)
            await until_deaf(scene, "edge-2")
            assert (await move.view()).weights == {A: 100, B: 0}
            await move.command("cancel")
            await until_from(scene, "edge-1", A)
            await scene.calm(2)
            view = await move.view()
            assert (view.status, step(view, Phase.SWITCH).state) == (Status.UNDOING, "failed")
            assert await both_run(scene)
        await scene.went_back(move, Outcome.CANCELLED)
    (await scene.losses()).none()


async def test_when_a_gateway_instance_stays_deaf_an_operator_is_asked(stage: Stage, uplink: Line) -> None:
    """Neither the switch nor the way back can be proven: both sides are kept, edge-2 is named; `retry` goes back."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        async with uplink.silent():
            await move.command("proceed")
            view = await move.asks(seconds=60)
            assert "gateway instance edge-2 answers users, but its control connection is gone" in view.sentence
            assert "edge-1" not in view.sentence
            assert await both_run(scene)
        await move.decide("retry")
        await scene.went_back(move)
    (await scene.losses()).none()


async def test_when_the_status_is_green_and_one_gateway_instance_is_stale_the_probes_find_it(
    stage: Stage, uplink: Line, system: System
) -> None:
    """A controller says that edge-2 has everything, and it has not: nothing goes on before its own answers say so."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        async with uplink.silent(), green(system, scene.name, "edge-2"):
            await move.command("proceed")
            await until_from(scene, "edge-1", B)
            await scene.calm(2)
            await half_switched(scene, Acknowledgement.APPLIED)
            assert (await move.view()).weights == {A: 100, B: 0}
        await scene.completed(move)
    (await scene.losses()).none()


async def half_switched(scene: Scene, stand: Acknowledgement) -> None:
    """edge-1 sends everybody to B, edge-2 to A as it was told last, and both run; this is what edge-2 is taken for."""
    assert await scene.stand("edge-2") is stand
    assert await scene.answers("edge-1") == {B}
    assert await scene.answers("edge-2") == {A}
    assert await both_run(scene)


async def until_from(scene: Scene, instance: str, cluster: str) -> None:
    """Wait until one gateway instance sends everybody to this cluster."""

    async def sends() -> bool:
        return await scene.answers(instance) == {cluster}

    await eventually(sends, f"sent to {cluster} by {instance}")


async def until_deaf(scene: Scene, instance: str) -> None:
    """Wait until it is noticed that one gateway instance cannot be told anything."""

    async def deaf() -> bool:
        return await scene.stand(instance) is Acknowledgement.DEAF

    await eventually(deaf, f"known that {instance} is deaf")


async def both_run(scene: Scene) -> bool:
    """Whether the application runs on both clusters."""
    states = [one.state for cluster in (A, B) for one in await scene.system.instances(cluster, scene.name)]
    return states == ["running", "running"]


@asynccontextmanager
async def green(system: System, route: str, instance: str) -> AsyncIterator[None]:
    """Another control plane is on record as connected to this instance, which is said to have every version of a route."""
    store = GatewayStore(engine(system.database_url))
    session = Session(gateway=site.GATEWAY, instance=instance, id="green", replica="green")

    async def live() -> None:
        while True:
            await asyncio.to_thread(store.heartbeat, session.replica, "127.0.0.1:9")
            await asyncio.sleep(1)

    said = [Connected(session), Told(session, {route: Stand(applied=1_000_000)})]
    assert all(await asyncio.to_thread(store.record, said))
    living = asyncio.create_task(live())
    try:
        yield
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await asyncio.to_thread(store.leave, session.replica)
