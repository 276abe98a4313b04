# SPDX-License-Identifier: Apache-2.0
"""From a new document to its proof on two real Envoys, against a bare push to two others and the same probes.

Ours is the product's own activity `steer` on its own control plane process; its clock runs from the call of `apply` to
the last proving answer. The reference runs from the push to the last of as many answers. The two take turns.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from itertools import count
from typing import Any

from temporalio.testing import ActivityEnvironment

from readiness.model import GateSpec
from relocate.activities import proving
from relocate.activities.orders import SteerOrder, Written
from relocate.activities.steering import Steering
from relocate.model.application import Application, Route, Watch
from relocate.model.relocation import Phase
from relocate.phases import documents, proof
from relocate.phases.documents import Sides
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.tables import METADATA
from steering.adapters.envoy import EnvoyAdapter
from steering.envoy.settings import GatewaySettings
from steering.model import Fence, ProbePoint
from tests.bench.bench import Bench
from tests.bench.raw_push import RawPush, serving
from tests.bench.rows import Reach, Row, Times, timed
from tests.bench.timed import Timed
from tests.envoy.rig import DOMAIN, GATEWAY, HTTP, Rig, loopback
from tests.workflow.service import StoryParts

NAME = "push"
ROUTE = "bench"
RAW = ("raw-1", "raw-2")
ROUNDS, WARM_UP = 40, 5
PROBES = 5
"""The product's default number of fresh connections through each gateway instance."""
ROUND_SECONDS = 20.0
"""Longest time for one write of either kind."""


class TimedAdapter(Timed, EnvoyAdapter):
    """That of our Envoys."""


async def measure(bench: Bench) -> Sequence[Row]:
    """The row, and where our time goes."""
    bench.tell("push: two Envoys behind our control plane, two behind a bare push")
    with _rig() as rig:
        async with _ours(rig) as ours, _raw(rig) as raw:
            times: dict[str, list[float]] = {"ours": [], "raw": [], "apply": [], "acknowledged": [], "activity": []}
            for number in range(ROUNDS + WARM_UP):
                async with asyncio.timeout(2 * ROUND_SECONDS):
                    found = {**await ours.turn(number), "raw": await raw.turn(number)}
                for name, taken in found.items() if number >= WARM_UP else ():
                    times[name].append(1000 * taken)
    return _rows({name: Times(each) for name, each in times.items()})


def _rows(times: Mapping[str, Times]) -> Sequence[Row]:
    parts = (times["apply"].p50, times["activity"].p50)
    return [
        timed(
            NAME,
            f"a new document applied -> E2 and E3 (k = {PROBES}) on 2 real Envoys, p50",
            times["ours"],
            times["raw"],
            against="raw push -> acknowledgement plus the same probes",
            reach=Reach(2.0),
            note="of ours: apply {:.1f} ms; the whole activity with its evidence {:.1f} ms".format(*parts),
        )
    ]


class Ours:
    """The product's way."""

    def __init__(self, rig: Rig, adapter: TimedAdapter, parts: StoryParts) -> None:
        """Args: rig: with the product's control plane; adapter: of its gateway; parts: for the activity."""
        self._rig, self._adapter = rig, adapter
        self._steering = Steering(parts)
        self._written = Written()
        self._fences = count(1)

    async def turn(self, number: int) -> Mapping[str, float]:
        """Write once and prove it; seconds."""
        order = SteerOrder(
            relocation="bench",
            application=application(),
            phase=Phase.SWITCH,
            fence=Fence(lease=1, sequence=next(self._fences)),
            sides=sides(self._rig, number),
            written=self._written,
            probes=PROBES,
        )
        began = time.perf_counter()
        steered = await ActivityEnvironment().run(self._steering.steer, order)
        ended = time.perf_counter()
        self._written = steered.written
        apply = self._adapter.written - self._adapter.began
        return {"ours": apply + max(steered.live_seconds.values()), "apply": apply, "activity": ended - began}


class Raw:
    """The bare way."""

    def __init__(self, rig: Rig, raw: RawPush) -> None:
        """Args: rig: with two more Envoys; raw: their control plane."""
        self._rig, self._raw = rig, raw
        self._probe = proving.asker(application().routes[0])

    async def turn(self, number: int) -> float:
        """Push once and prove it; seconds."""
        epoch = f"raw-{number}"
        document = documents.document(ROUTE, application().routes[0], sides(self._rig, number), epoch)
        began = time.perf_counter()
        await self._raw.push(document)
        await asyncio.gather(*(self._prove(name, epoch, document.weights) for name in RAW))
        return time.perf_counter() - began

    async def _prove(self, instance: str, epoch: str, weights: Mapping[str, int]) -> None:
        await self._raw.acknowledged(instance)
        route, point = application().routes[0], self._point(instance)
        while True:
            answers = await proving.ask(self._probe, route, point, PROBES)
            if proof.why_not_seen(answers, epoch, weights) is None:
                return

    def _point(self, instance: str) -> ProbePoint:
        return ProbePoint(
            instance=instance,
            endpoint=loopback(self._rig.port(instance)),
            tls=True,
            server_name=f"{ROUTE}.{DOMAIN}",
            ca_file=str(self._rig.authority.file),
        )


@cache
def application() -> Application:
    """What is steered."""
    route = Route(
        name=ROUTE,
        hosts=(f"{ROUTE}.{DOMAIN}",),
        gateways=(GATEWAY,),
        ports=(HTTP,),
        watch=Watch(port="http", path="/whoami"),
    )
    gate = GateSpec.model_validate({"probes": [{"kind": "http", "settings": {"path": "/healthz"}}]})
    return Application(name=ROUTE, workloads={"memory": {}}, routes=(route,), readiness=gate)


def sides(rig: Rig, number: int) -> Sides:
    """Both sides known, all weight on one of them, in turns: the document of every switch."""
    weights = {"a": 100, "b": 0} if number % 2 == 0 else {"a": 0, "b": 100}
    return Sides(backends=(rig.backend("a"), rig.backend("b")), weights=weights, failover=True)


@contextmanager
def _rig() -> Iterator[Rig]:
    rig = Rig()
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


@asynccontextmanager
async def _ours(rig: Rig) -> AsyncIterator[Ours]:
    adapter = TimedAdapter.open(GATEWAY, rig.settings, database_url=rig.database_url)
    database = Database.open(rig.database_url)
    METADATA.create_all(database.engine)
    parts = StoryParts(Settings(database_url=rig.database_url), database)
    parts.brought[GATEWAY] = adapter
    try:
        yield Ours(rig, adapter, parts)
    finally:
        await adapter.close()
        await parts.close()


@asynccontextmanager
async def _raw(rig: Rig) -> AsyncIterator[Raw]:
    raw = RawPush(GatewaySettings.model_validate({**rig.settings, "instances": [_instance(rig, name) for name in RAW]}))
    async with serving(raw) as port:
        rig.ports["raw"] = port
        for name in RAW:
            await asyncio.to_thread(rig.start_envoy, name, controls=("raw",))
        yield Raw(rig, raw)


def _instance(rig: Rig, name: str) -> dict[str, Any]:
    address, admin = loopback(rig.port(name)), loopback(rig.port(f"{name}.admin"))
    return {"id": name, "address": address.model_dump(), "admin": admin.model_dump()}
