# SPDX-License-Identifier: Apache-2.0
"""One drill's stage: an application of its own on mec-a, and its traffic, on the system that all drills share."""

import asyncio
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx

from relocate.demo import site
from relocate.demo.drive import Traffic
from relocate.demo.system import System
from relocate.demo.traffic.plan import Flow, Protocol
from relocate.demo.traffic.record import read_recording
from relocate.model.application import Application
from relocate.model.chain import broken_link
from relocate.model.evidence import Entry
from relocate.model.relocation import Outcome, Phase, Status, View
from relocate.parts import Parts
from relocate.prober.coverage import Coverage, Hole
from relocate.settings import Settings
from relocate.store.acceptance import Pending
from steering.model import EPOCH_HEADER, Acknowledgement, Fence, RouteDocument, Rung
from tests.drills.losses import Losses
from tests.drills.move import Move, step
from tests.drills.waiting import eventually

A, B = "mec-a", "mec-b"
FLOWS = (
    Flow(protocol=Protocol.HTTP1, rate=20),
    Flow(protocol=Protocol.HTTP2, rate=20),
    Flow(protocol=Protocol.GRPC, rate=20),
    Flow(protocol=Protocol.GRPC_STREAM, rate=10, life_seconds=2),
    Flow(protocol=Protocol.WEBSOCKET, rate=10, path="/ws", life_seconds=2),
)
POLICY: Mapping[str, Any] = {
    "bake_seconds": 1,
    "drain": {"window_seconds": 0.4, "deadline_seconds": 20, "at_deadline": "hold"},
    # A machine with two cores that others use too is slow by chance; what drills judge is errors.
    "judging": {"max_p99_slack_seconds": 1.0},
}
ABOVE_ALL = Fence(lease=1_000_000, sequence=1)
"""Whatever a drill has left, its route is taken away under this."""
ON_STREAMS = 8
"""Messages that are in flight on streams of an instance that is killed, at most."""
LONG_SECONDS = 45.0
"""Longer than any drill needs: a phase of this length is certainly hit."""


def application(
    name: str,
    *,
    arguments: Sequence[str] = (),
    start_seconds: float = 0,
    ready_deadline: float = 60,
    stable_seconds: float = 0.3,
    transfer: Mapping[str, Any] | None = None,
    outage: Path | None = None,
    **policy: object,
) -> Application:
    """The demo's application under another name, with a short policy.

    With `outage` an instance that was killed is started again, as soon as that folder has no file named as its cluster.
    """
    body = site.application(name).model_dump(mode="json")
    body["transfer"] = transfer
    body["policy"] = {**POLICY, **policy}
    body["readiness"] |= {"stable_seconds": stable_seconds, "deadline_seconds": ready_deadline}
    command = [*body["workloads"]["process"]["command"], "--warm-up", "0.2", *arguments]
    if start_seconds:
        command = ["sh", "-c", f'sleep {start_seconds} & wait; exec "$@"', "sh", *command]
    if outage is not None:
        body["workloads"]["process"]["restart"] = "on-failure"
        down = f'"{outage}/$RELOCATE_CLUSTER"'
        command = ["sh", "-c", f'while [ -e {down} ]; do sleep 0.1; done; exec "$@"', "sh", *command]
    body["workloads"]["process"]["command"] = command
    return Application.model_validate(body)


class Scene:
    """An application that serves from the source, and UEs that use it."""

    source, target = A, B
    """Clusters."""
    gateway = site.GATEWAY

    def __init__(self, system: System, name: str, flows: Sequence[Flow] = FLOWS) -> None:
        self.system = system
        self.name = name
        self.traffic = Traffic(system, name, flows)
        self._client = system.client()
        self._parts = Parts.open(Settings(database_url=system.database_url))
        self._since = 0

    async def open(self, through: Sequence[str] = site.INSTANCES, **described: Any) -> None:
        """Place the application on the source and let its traffic flow, through these gateway instances; none: it is idle."""
        await self.describe(**described)
        await self.system.place(self.name, self.source)
        self.traffic.instances = through
        if through:
            await self.traffic.start()
            await self.traffic.first_number()
        self._since = time.time_ns()

    async def describe(self, **described: Any) -> None:
        """Say what the application is."""
        await self.system.describe(application(self.name, **described))

    async def close(self) -> None:
        """Leave nothing of this drill on the shared system."""
        await self.traffic.stop()
        await self._unplace()
        await self._client.aclose()
        await self._parts.close()

    async def move(self, target: str | None = None, **options: Any) -> Move:
        """Ask for the move to the target: by name, or as the cluster that is nearest."""
        answer = await self.ask(target, **options)
        assert answer.status_code == 202, answer.text
        return self.follow(answer.json()["id"])

    async def ask(self, target: str | None = None, **options: Any) -> httpx.Response:
        """What the API says to a request for the move to the target."""
        body: dict[str, Any] = {"application": self.name, "options": options}
        body |= self.aim() if target is None else {"target": target}
        return await self._client.post("/relocate", json=body)

    def aim(self) -> dict[str, Any]:
        """What a request says of the way that names no target."""
        return {"candidates": [self.source, self.target], "cell": site.CELLS[self.target]}

    def follow(self, identity: str) -> Move:
        """A relocation that is known by its id."""
        return Move(self._client, identity)

    def relocations(self) -> Sequence[str]:
        """Ids of all relocations of this application."""
        return [view.id for view in self._parts.database.relocations.list(application=self.name)]

    def not_started(self) -> Sequence[Pending]:
        """What was accepted for this application, and is not known to run."""
        pending = self._parts.database.acceptance.not_started()
        return [one for one in pending if one.request.application == self.name]

    async def calm(self, seconds: float = 0.5) -> None:
        """Let the traffic go on for a moment."""
        await asyncio.sleep(seconds)

    async def kill(self, cluster: str) -> int:
        """SIGKILL to the one instance on a cluster; when, in nanoseconds since 1970."""
        os.kill(await self.pid(cluster), signal.SIGKILL)
        return time.time_ns()

    async def freeze(self, cluster: str) -> None:
        """SIGSTOP to the one instance on a cluster: its connections stay, and nothing is answered any more."""
        os.kill(await self.pid(cluster), signal.SIGSTOP)

    async def pid(self, cluster: str) -> int:
        """Process id of the one instance on a cluster."""
        (found,) = await self.system.instances(cluster, self.name)
        assert found.pid is not None
        return found.pid

    async def fault(self, cluster: str, **wanted: float) -> None:
        """Break something in the one instance on a cluster (`relocate.demo.app.faults`)."""
        (found,) = await self.system.instances(cluster, self.name)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"http://{found.endpoints['http']}/fault", params=wanted)
        answer.raise_for_status()

    async def document(self) -> RouteDocument:
        """The route as the gateways have it."""
        state = await (await self._parts.adapter(self.gateway)).read(self.name)
        assert state is not None
        return state.document

    async def overwrite(self, weights: Mapping[str, int]) -> RouteDocument:
        """Change the weights past the service, as somebody with access to its database might; what stands there now."""
        adapter = await self._parts.adapter(self.gateway)
        state = await adapter.read(self.name)
        assert state is not None
        theirs = state.document.model_copy(update={"weights": dict(weights), "epoch": "somebody-else"})
        higher = Fence(lease=state.fence.lease, sequence=state.fence.sequence + 1)
        await adapter.apply(theirs, fence=higher, base=state.version)
        return theirs

    def user(self, instance: str) -> httpx.AsyncClient:
        """A user of one gateway instance, with the one connection that it opens first."""
        host = site.host_of(self.name)

        async def by_name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = host

        return httpx.AsyncClient(
            base_url=f"https://{self.traffic.listeners[instance]}",
            verify=ssl.create_default_context(cafile=str(self.system.certificates.ca)),
            headers={"host": host},
            event_hooks={"request": [by_name]},
            limits=httpx.Limits(max_connections=1, keepalive_expiry=None),
            trust_env=False,
        )

    async def answers(self, *through: str) -> set[str]:
        """Who answers a fresh request now, over these gateway instances, or all."""
        asked = [await self._ask(instance) for instance in through or site.INSTANCES for _ in range(3)]
        return {str(answer.json()["cluster"]) for answer in asked}

    async def works(self, seconds: float, through: str) -> str:
        """Who answers a request that takes so long, and may be sent once only."""
        answer = await self._ask(through, "POST", f"/work?ms={1000 * seconds:.0f}", timeout=seconds + 10)
        return str(answer.json()["cluster"])

    async def epoch(self, through: str) -> str:
        """By which write one gateway instance answers a fresh request now."""
        return (await self._ask(through)).headers[EPOCH_HEADER]

    async def stand(self, instance: str) -> Acknowledgement:
        """Where one gateway instance stands with the route as it is written now."""
        adapter = await self._parts.adapter(self.gateway)
        state = await adapter.read(self.name)
        assert state is not None
        answers = await adapter.acknowledged(self.name, state.version)
        return next(answer.state for answer in answers if answer.instance == instance)

    async def serves_again(self) -> None:
        """Wait until fresh requests are answered through every gateway instance."""

        async def answered() -> bool:
            with suppress(httpx.HTTPError):
                return bool(await self.answers())
            return False

        await eventually(answered, "served again")

    async def completed(self, move: Move, seconds: float = 45) -> View:
        """Wait for its end: it is on the target, with a whole record."""
        view = await move.ends(seconds)
        assert view.outcome is Outcome.COMPLETED, view.sentence
        await self.serves_from(self.target, not_from=self.source)
        self.recorded_whole(move)
        return view

    async def went_back(self, move: Move, outcome: Outcome = Outcome.ROLLED_BACK) -> View:
        """Wait for its end: it is on the source as before, nothing of it is on the target, and the record is whole."""
        view = await move.ends()
        assert view.outcome is outcome, view.sentence
        await self.serves_from(self.source, not_from=self.target)
        self.recorded_whole(move)
        return view

    async def never_switched(self, move: Move, why: str) -> None:
        """Wait for its end: it says why, it went back, nobody ever was on B, and no user noticed."""
        view = await self.went_back(move)
        assert why in view.sentence
        assert step(view, Phase.SWITCH).state == "skipped"
        (await self.losses()).none()

    def evidence(self, move: Move) -> Sequence[Entry]:
        """The relocation's record."""
        return self._parts.database.evidence.of(move.id)

    def told(self, move: Move, kind: str) -> Sequence[Mapping[str, Any]]:
        """Events of one kind in the relocation's story."""
        return [event.data for event in self._parts.database.relocations.events(move.id) if event.kind == kind]

    async def losses(self) -> Losses:
        """Stop the traffic after a last moment of it; what became of every request since the scene was opened."""
        await self.calm(0.3)
        until = time.time_ns()
        await self.traffic.stop()
        return Losses(read_recording(self.traffic.records), (self._since, until))

    async def serves_from(self, cluster: str, *, not_from: str) -> None:
        """It is served from this cluster alone, and nothing of it is left on the other."""
        document = await self.document()
        assert document.weights == {cluster: 100}
        assert document.probe_paths == ()
        assert not document.failover
        assert await self.answers() == {cluster}
        placed = self._parts.database.placements.of(self.name)
        assert [(one.cluster, one.active) for one in placed] == [(cluster, True)]
        assert await self.states(cluster) == ["running"]
        assert await self.states(not_from) == []
        assert self._parts.database.leases.holder(self.name) is None

    async def states(self, cluster: str) -> Sequence[str]:
        """Of every instance of it that a cluster has."""
        return [one.state for one in await self.system.instances(cluster, self.name)]

    def unwatched(self, move: Move) -> Sequence[Hole]:
        """Times of which there is no sample, from before `prepare` to the last look, as the record claims it.

        Holes in which fewer samples were sent than the schedule demands are left out: a busy machine makes them.
        """
        claims = [one.claim for one in self.evidence(move) if one.claim.rung == Rung.WATCHED]
        (claim,) = [claim for claim in claims if claim.phase is Phase.TEARDOWN and claim.side is None]
        watched = Coverage.model_validate(claim.detail["coverage"])
        assert watched.conclusive or not claim.holds, "a hole was passed over"
        return [hole for hole in watched.holes if hole.reason == "no record"]

    def recorded_whole(self, move: Move) -> None:
        """The record is a whole chain that says something."""
        entries = self.evidence(move)
        assert entries
        assert broken_link(entries) is None

    async def _ask(
        self, instance: str, method: str = "GET", path: str = "/whoami", *, timeout: float = 5
    ) -> httpx.Response:
        async with self.user(instance) as user:
            answer = await user.request(method, path, timeout=timeout)
        return answer.raise_for_status()

    async def _unplace(self) -> None:
        database = self._parts.database
        await self._unroute()
        for one in database.placements.of(self.name):
            await (await self._parts.driver(one.cluster)).remove(self.name, one.instance, ABOVE_ALL)
            database.placements.forget(self.name, one.cluster)

    async def _unroute(self) -> None:
        adapter = await self._parts.adapter(self.gateway)
        state = await adapter.read(self.name)
        if state is not None:
            await adapter.remove(self.name, fence=ABOVE_ALL, base=state.version)


SceneT = TypeVar("SceneT", bound=Scene)


@asynccontextmanager
async def stages(new: Callable[[Sequence[Flow]], SceneT]) -> AsyncIterator[Callable[..., Awaitable[SceneT]]]:
    """Makes a test's scenes and opens them; what `describe` takes says how the application differs. All are closed."""
    opened: list[SceneT] = []

    async def make(flows: Sequence[Flow] = FLOWS, **described: Any) -> SceneT:
        scene = new(flows)
        opened.append(scene)
        await scene.open(**described)
        return scene

    yield make
    for scene in opened:
        await scene.close()


BEFORE = {Phase.PREPARE: Phase.DEPLOY, Phase.SWITCH: Phase.READY, Phase.TEARDOWN: Phase.DRAIN}


@asynccontextmanager
async def held_before(scene: Scene, phase: Phase) -> AsyncIterator[Move]:
    """A relocation that is held where this phase would begin."""
    move = await scene.move()
    await move.reaches(BEFORE[phase])
    answer = await move.command("hold")
    assert answer.status_code == 200, answer.text
    view = await move.until(
        lambda view: view.status is Status.HELD and step(view, BEFORE[phase]).state == "done", f"held before {phase}"
    )
    assert step(view, phase).state == "pending"
    yield move
