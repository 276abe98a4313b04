# SPDX-License-Identifier: Apache-2.0
"""Does what the schedule says, to whoever it says."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from relocate.clusters.contract import InstanceState
from relocate.clusters.process.wire import Status
from relocate.demo.system import System
from relocate.model.relocation import View
from tests.chaos.disturbances import Disturbance, Disturbances
from tests.chaos.schedule import Deed, Strike, Victim
from tests.chaos.supervisor import WORKERS, Supervisor, frozen, with_luck

LOCK_WAIT_SECONDS = 10.0
"""How long we wait for the database's write lock ourselves."""
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Struck:
    """What came of a strike."""

    strike: Strike
    phase: str
    """The phase, or the status, that was really hit."""
    sentence: str
    hit: bool = True
    """False: there was nobody to be hit."""


Act = Callable[[Strike, View], Awaitable[str | None]]
"""Does it, and mends it; what happened, or None when there was nobody to be hit."""


class Actors:
    """One for each kind of victim."""

    def __init__(self, system: System, supervisor: Supervisor, disturbances: Disturbances) -> None:
        """Args: system: that runs; supervisor: of its processes; disturbances: what users may notice is noted there."""
        self._system = system
        self._supervisor = supervisor
        self._disturbances = disturbances
        self._lock = asyncio.Lock()
        self._mending: set[asyncio.Task[None]] = set()
        self._acts: Mapping[Victim, Act] = {
            Victim.WORKER: self._worker,
            Victim.WORKERS: self._workers,
            Victim.API: self._process,
            Victim.CONTROL: self._process,
            Victim.TEMPORAL: self._process,
            Victim.GATEWAY_1: self._gateway,
            Victim.GATEWAY_2: self._gateway,
            Victim.DATABASE: self._database,
            Victim.SOURCE: self._instance,
            Victim.TARGET: self._instance,
            Victim.SOURCE_AGENT: self._agent,
            Victim.TARGET_AGENT: self._agent,
            Victim.PERSON: self._person,
        }

    async def strike(self, strike: Strike, view: View) -> Struck:
        """Do it to the relocation as it stands; ends when it is mended."""
        phase = where(view)
        sentence = await self._acts[strike.victim](strike, view)
        return Struck(strike, phase, sentence or "nobody was there to be hit", hit=sentence is not None)

    # ---- what serves everybody -------------------------------------------------------------------------------------

    async def _process(self, strike: Strike, _view: View) -> str | None:
        return await self._hit(strike.victim.value, strike)

    async def _worker(self, strike: Strike, _view: View) -> str | None:
        return await self._hit(WORKERS[int(strike.chance * len(WORKERS))], strike)

    async def _workers(self, strike: Strike, _view: View) -> str | None:
        done = await asyncio.gather(*(self._hit(name, strike) for name in WORKERS))
        return " and ".join(one for one in done if one) or None

    async def _gateway(self, strike: Strike, _view: View) -> str | None:
        name = strike.victim.value
        if self._supervisor.is_hit(name):
            return None
        noted = self._disturbances.add(Disturbance(strike.deed, gateway=name))
        try:
            return await self._hit(name, strike)
        finally:
            noted.until_ns = time.time_ns()

    async def _hit(self, name: str, strike: Strike) -> str | None:
        if self._supervisor.is_hit(name):
            return None
        if strike.deed is Deed.KILL:
            await self._supervisor.kill(name, strike.seconds)
            return f"{name} was killed, and started again after {strike.seconds:g} s"
        await self._supervisor.freeze(name, strike.seconds)
        return f"{name} was frozen for {strike.seconds:g} s"

    async def _database(self, strike: Strike, _view: View) -> str | None:
        if self._lock.locked():
            return None
        async with self._lock:
            file = self._system.database_url.removeprefix("sqlite:///")
            await asyncio.to_thread(_hold_write_lock, file, strike.seconds)
        return f"somebody held the database's write lock for {strike.seconds:g} s"

    # ---- what belongs to one relocation ----------------------------------------------------------------------------

    async def _instance(self, strike: Strike, view: View) -> str | None:
        cluster = (view.source if strike.victim is Victim.SOURCE else view.target) or ""
        found = await self._found(cluster, view.application)
        if found is None or found.pid is None:
            return None
        what = f"{found.instance} on {cluster}"
        noted = self._disturbances.add(Disturbance(strike.deed, application=view.application, cluster=cluster))
        if strike.deed is Deed.FREEZE:
            was_there = await frozen(found.pid, strike.seconds)
            noted.until_ns = time.time_ns()
            return f"{what} was frozen for {strike.seconds:g} s" if was_there else None
        if not with_luck(found.pid, signal.SIGKILL):
            noted.until_ns = noted.since_ns
            return None
        task = asyncio.create_task(self._note_recovery(noted, found))
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)
        return f"{what} was killed"

    async def _note_recovery(self, noted: Disturbance, hit: Status) -> None:
        """Follow an instance that was killed until it answers again, or is gone for good."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            found = await self._found(noted.cluster or "", hit.application, hit.instance)
            if found is None:
                continue
            if found.state in (InstanceState.FAILED, InstanceState.ABSENT):
                return
            if found.state is InstanceState.RUNNING and found.pid not in (None, hit.pid) and await _healthy(found):
                noted.until_ns = time.time_ns()
                return

    async def _agent(self, strike: Strike, view: View) -> str | None:
        cluster = view.source if strike.victim is Victim.SOURCE_AGENT else view.target
        if cluster is None:
            return None
        await frozen(self._system.processes.named(cluster).process.pid, strike.seconds)
        return f"the agent of {cluster} was frozen for {strike.seconds:g} s"

    async def _person(self, strike: Strike, view: View) -> str | None:
        path = f"/v1/relocations/{view.id}"
        try:
            async with self._system.client() as client:
                answer = await client.post(f"{path}/{strike.deed.value}", json={"why": "chaos"})
                if not answer.is_success:
                    return None
                if strike.deed is Deed.HOLD:
                    await asyncio.sleep(strike.seconds)
                    await client.post(f"{path}/proceed", json={"why": "chaos"})
        except httpx.HTTPError as error:
            return f"somebody said {strike.deed}, and the API did not answer: {type(error).__name__}"
        return f"somebody said {strike.deed}"

    async def _found(self, cluster: str, application: str, instance: str | None = None) -> Status | None:
        """The newest instance of the application on a cluster; None when the agent does not say."""
        if not cluster:
            return None
        url = f"http://127.0.0.1:{self._system.ports.clusters[cluster]}/instances"
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
                if instance is not None:
                    answer = await client.get(f"{url}/{application}/{instance}")
                    return Status.model_validate(answer.raise_for_status().json())
                answer = await client.get(url)
        except httpx.HTTPError:
            return None
        found = [Status.model_validate(one) for one in answer.json()]
        alive = [one for one in found if one.application == application and one.pid is not None]
        return alive[-1] if alive else None


def where(view: View) -> str:
    """What a strike hits: the phase on the way forward, else the status."""
    return str(view.phase) if view.status in ("running", "held") and view.phase is not None else str(view.status)


async def _healthy(found: Status) -> bool:
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.get(f"http://{found.endpoints['http']}/healthz")
    except httpx.HTTPError:
        return False
    return answer.is_success


def _hold_write_lock(file: str, seconds: float) -> None:
    connection = sqlite3.connect(file, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    finally:
        connection.close()
