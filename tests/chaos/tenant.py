# SPDX-License-Identifier: Apache-2.0
"""One application under traffic, moved to and fro while things are killed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from relocate.clusters.contract import InstanceState
from relocate.demo import site
from relocate.demo.drive import Traffic
from relocate.demo.system import System
from relocate.demo.traffic.plan import Flow, Protocol
from relocate.demo.traffic.record import read_recording
from relocate.errors import RelocateError
from relocate.model.application import Application
from relocate.model.relocation import Outcome, Status, View
from relocate.parts import Parts
from relocate.settings import Settings
from steering.errors import SteeringError
from steering.model import Fence
from tests.chaos import evidence
from tests.chaos.actors import Actors, Struck, where
from tests.chaos.at_rest import AtRest, asked
from tests.chaos.disturbances import Disturbances
from tests.chaos.losses import STREAM_SECONDS, Accounting, Circumstances, Loss, steering
from tests.chaos.observer import Observer
from tests.chaos.on_call import Intervention, OnCall
from tests.chaos.schedule import ANY, UNDO, Plan, Strike

ACCEPTED_SECONDS = 90.0
"""A request is repeated with its key for so long; everything that was killed is back by then."""
ENDS_SECONDS = 180.0
"""Longest time for one relocation, with everything that is done to it and every answer of the operator."""
RESTS_SECONDS = 25.0
"""From the end of a relocation to the moment when everything is at rest."""
PLACED_SECONDS = 60.0
LOOK_SECONDS = 0.05
AGAIN_SECONDS = 0.5
HELD_SECONDS = 6.0
"""A hold by a person is left to that person for so long; then the operator on call goes on."""
CALM_SECONDS = 1.0
TIMEOUT_SECONDS = 5.0
"""For a request of the traffic: a client that gives up sooner counts our own machine's stalls."""
PASSING = (httpx.HTTPError, SQLAlchemyError, RelocateError, SteeringError, TimeoutError, OSError)
"""What is worth another attempt while things are being killed."""


@dataclass
class Moved:
    """One relocation, and what came of it."""

    plan: Plan
    application: str
    id: str = ""
    view: View | None = None
    seconds: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


@dataclass
class Latest:
    """A relocation as it was last seen, for everybody who waits for something in it."""

    view: View


@dataclass(frozen=True)
class Stage:
    """What all applications share."""

    system: System
    actors: Actors
    observer: Observer
    disturbances: Disturbances
    seed: int
    rate: float


def application(name: str, plan: Plan) -> Application:
    """The demo's application with a short policy, as near to one cluster as to the other."""
    body = site.application(name).model_dump(mode="json")
    body["workloads"]["process"]["command"] += ["--warm-up", "0.8", "--cell-distance-ms", "0"]
    # Short: whoever still used it when it is removed is cut off, and noticed.
    body["workloads"]["process"]["command"] += ["--grace", "0.2"]
    body["workloads"]["process"]["grace_seconds"] = 1
    body["workloads"]["process"]["restart"] = "on-failure" if plan.restarts else "never"
    body["readiness"] |= {"stable_seconds": 0.3, "deadline_seconds": 15}
    body["routes"][0]["watch"]["period_seconds"] = 0.2
    body["policy"] = {
        "steps": list(plan.steps),
        "hold_seconds": 1,
        "bake_seconds": plan.bake_seconds,
        "drain": {"window_seconds": 0.4, "deadline_seconds": 15, "at_deadline": "hold"},
        # What is judged here is errors: on a busy machine the application is slow by chance, on either side.
        "judging": {"max_p99_slack_seconds": 3.0, "min_samples": 2},
    }
    return Application.model_validate(body)


def flows(rate: float) -> Sequence[Flow]:
    """So many requests a second in each protocol. Streams outlive a switch and its bake: a drain has to wait for them."""
    paths = {Protocol.WEBSOCKET: "/ws"}
    return [
        Flow(protocol=one, rate=rate, path=paths.get(one, "/whoami"), life_seconds=STREAM_SECONDS) for one in Protocol
    ]


class Tenant:
    """From the first placement to the last account."""

    def __init__(self, stage: Stage, name: str) -> None:
        """Args: stage: what all share; name: of the application."""
        self.name = name
        self.usable = True
        """False when nothing more can be asked of it: its only instance was killed for good, or it was abandoned."""
        self._stage = stage
        self._traffic = Traffic(stage.system, name, flows(stage.rate), timeout_seconds=TIMEOUT_SECONDS)
        self._parts = Parts.open(Settings(database_url=stage.system.database_url))
        self._rest = AtRest(stage.system, self._parts, stage.observer, name)
        self._since = 0
        self._placed = ""
        self._moves: list[str] = []

    # ---- begin and end ---------------------------------------------------------------------------------------------

    async def open(self, plan: Plan, cluster: str) -> None:
        """Place it and let its traffic flow.

        Raises:
            TimeoutError: it could not be placed; the text says what was answered last.
        """
        await self._describe(plan)
        self._placed = cluster
        await _until(lambda: self._place(cluster), f"{self.name} was not placed", PLACED_SECONDS)
        await _until(self._why_not_answered, f"{self.name} does not answer", PLACED_SECONDS)
        await self._traffic.start()
        await _until(self._why_no_second, f"{self.name} has no traffic", PLACED_SECONDS)
        self._since = time.time_ns()
        self._stage.observer.expect(self.name)

    async def account(self) -> tuple[int, Sequence[Loss]]:
        """Stop its traffic; how many requests were due, and every one that was lost."""
        await asyncio.sleep(CALM_SECONDS)
        until = time.time_ns()
        self._stage.observer.forget(self.name)
        await self._traffic.stop()
        return await asyncio.to_thread(self._account, until) if self._since else (0, [])

    async def close(self) -> None:
        """Take it down.

        Raises:
            TimeoutError: something of it is left; the text says why.
        """
        await _until(self._unplaced, f"{self.name} was not taken down", PLACED_SECONDS)
        await self._parts.close()

    def _account(self, until: int) -> tuple[int, Sequence[Loss]]:
        records = [self._parts.database.evidence.of(identity) for identity in self._moves]
        disturbances = self._stage.disturbances
        found = Circumstances(
            gateways=disturbances.of_gateways(),
            instances=disturbances.of(self.name),
            steering=steering(self._placed, records),
            stalls=self._stage.observer.stalls,
        )
        accounting = Accounting(read_recording(self._traffic.records), (self._since, until), found)
        return accounting.sent, accounting.losses()

    async def _place(self, cluster: str) -> str | None:
        if self._parts.database.placements.active(self.name) is not None:
            return None
        async with self._stage.system.client() as client:
            answer = await client.put(
                f"/v1/applications/{self.name}/placement", json={"cluster": cluster}, timeout=PLACED_SECONDS
            )
        return None if answer.is_success else answer.text

    async def _why_not_answered(self) -> str | None:
        for instance in site.INSTANCES:
            answers = await asked(self._stage.system, self.name, instance, count=1)
            if answers != [self._placed]:
                return f"through {instance}: {answers}"
        return None

    async def _why_no_second(self) -> str | None:
        return None if self._traffic.seconds() else "the traffic has told nothing yet"

    async def _unplaced(self) -> str | None:
        database = self._parts.database
        holder = database.leases.holder(self.name)
        lease = database.leases.take(self.name, "chaos") if holder is None else 1_000_000
        fence = Fence(lease=lease, sequence=1)
        adapter = await self._parts.adapter(site.GATEWAY)
        state = await adapter.read(self.name)
        if state is not None:
            await adapter.remove(self.name, fence=fence, base=state.version)
        for cluster in self._stage.system.ports.clusters:
            for one in await self._stage.observer.instances(cluster, self.name) or []:
                await (await self._parts.driver(cluster)).remove(self.name, one.instance, fence)
            database.placements.forget(self.name, cluster)
        database.leases.give_back(self.name, "chaos")
        return None

    async def _describe(self, plan: Plan) -> None:
        async def put() -> None:
            await self._stage.system.describe(application(self.name, plan))

        await _until(put, f"{self.name} was not described", ACCEPTED_SECONDS)

    # ---- one relocation --------------------------------------------------------------------------------------------

    async def relocate(self, plan: Plan) -> Moved:
        """Move it to the other cluster, with everything that the plan does to it; judge what came of it."""
        moved = Moved(plan, self.name)
        began = time.monotonic()
        try:
            await self._describe(plan)
            moved.id = await self._accepted(plan)
            self._moves.append(moved.id)
            moved.view = await self._followed(moved)
            await self._judge(moved, moved.view)
        except TimeoutError as error:
            moved.violations.append(str(error))
            self.usable = False
        moved.seconds = time.monotonic() - began
        return moved

    async def _accepted(self, plan: Plan) -> str:
        active = self._parts.database.placements.active(self.name)
        here = active.cluster if active else ""
        target = next(cluster for cluster in self._stage.system.ports.clusters if cluster != here)
        body = {"application": self.name, "target": target, "reason": f"chaos {plan.number}"}
        found: list[str] = []

        async def ask() -> str | None:
            async with self._stage.system.client() as client:
                key = f"{self.name}-{plan.number}"
                answer = await client.post("/relocate", json=body, headers={"Idempotency-Key": key})
            if not answer.is_success:
                return f"{answer.status_code} {answer.text}"
            found.append(answer.json()["id"])
            return None

        await _until(ask, f"the request was not accepted within {ACCEPTED_SECONDS:g} s", ACCEPTED_SECONDS)
        return found[0]

    async def _followed(self, moved: Moved) -> View:
        latest = Latest(self._parts.database.relocations.get(moved.id))
        strikes = [asyncio.create_task(self._strike(strike, latest)) for strike in moved.plan.strikes]
        on_call, deadline, since = OnCall(), time.monotonic() + ENDS_SECONDS, time.monotonic()
        while (view := latest.view).status is not Status.FINISHED:
            if time.monotonic() > deadline:
                for task in strikes:
                    task.cancel()
                raise TimeoutError(f"it did not end within {ENDS_SECONDS:g} s: {where(view)}: {view.sentence}")
            if view.status not in (Status.NEEDS_OPERATOR, Status.HELD):
                since = time.monotonic()
            elif time.monotonic() - since > (HELD_SECONDS if "proceed goes on" in view.next_step else AGAIN_SECONDS):
                moved.interventions.append(await self._answered(on_call, view))
                since = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            latest.view = await asyncio.to_thread(self._parts.database.relocations.get, moved.id)
        done = await asyncio.gather(*strikes)
        moved.struck = [one for one in done if one is not None]
        return latest.view

    async def _strike(self, strike: Strike, latest: Latest) -> Struck | None:
        """Wait for the moment, linger, do it; None when the moment never came."""
        while strike.moment != ANY and not _is_moment(strike.moment, latest.view):
            if latest.view.status is Status.FINISHED:
                return None
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(strike.after_seconds)
        if latest.view.status is Status.FINISHED:
            return None
        return await self._stage.actors.strike(strike, latest.view)

    async def _answered(self, on_call: OnCall, view: View) -> Intervention:
        answer = on_call.answer(view)
        body: dict[str, Any] = {"why": "chaos: on call"} | ({"cluster": answer.cluster} if answer.cluster else {})
        try:
            async with self._stage.system.client() as client:
                said = await client.post(f"/v1/relocations/{view.id}/{answer.command}", json=body)
            accepted = said.is_success
        except httpx.HTTPError:
            accepted = False
        return Intervention(view.id, str(view.status), view.sentence, view.next_step, answer, accepted)

    # ---- judging ---------------------------------------------------------------------------------------------------

    async def _judge(self, moved: Moved, view: View) -> None:
        moved.violations += await asyncio.to_thread(evidence.violations, self._parts.database, moved.id)
        if "abandoned by" in view.sentence:
            self.usable = False
            return
        dead = await self._is_dead()
        self.usable = not dead
        reason: str | None = None
        try:
            await _until(lambda: self._rest.why_not(serves=not dead), "", RESTS_SECONDS)
        except TimeoutError as error:
            reason = str(error)
        if reason is not None:
            moved.violations.append(f"not at rest {RESTS_SECONDS:g} s after its end: {reason}")
            self.usable = False
            return
        placed = self._parts.database.placements.active(self.name)
        due = view.target if view.outcome is Outcome.COMPLETED else view.source
        if placed is not None and placed.cluster != due:
            moved.violations.append(f"it ended as {view.outcome}, and the placement is on {placed.cluster}")

    async def _is_dead(self) -> bool:
        """Whether the instance that should serve was killed by us, and will not be started again."""
        placed = self._parts.database.placements.active(self.name)
        if placed is None:
            return False
        hit = [one for one in self._stage.disturbances.of(self.name) if one.cluster == placed.cluster]
        for _ in range(20):
            found = await self._stage.observer.instances(placed.cluster, self.name)
            if found is not None:
                alive = any(one.state is not InstanceState.FAILED for one in found)
                return not alive and any(one.until_ns is None for one in hit)
            await asyncio.sleep(AGAIN_SECONDS)
        return False


def _is_moment(moment: str, view: View) -> bool:
    if moment == UNDO:
        return view.status is Status.UNDOING
    return view.status in (Status.RUNNING, Status.HELD) and view.phase == moment


async def _until(attempt: Callable[[], Awaitable[str | None]], what: str, seconds: float) -> None:
    """Repeat until the attempt has no reason left why not.

    Raises:
        TimeoutError: it went on having one; the text ends with the last.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            reason = await attempt()
        except PASSING as error:
            reason = f"{type(error).__name__}: {error}"
        if reason is None:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: {reason}" if what else reason)
        await asyncio.sleep(AGAIN_SECONDS)
