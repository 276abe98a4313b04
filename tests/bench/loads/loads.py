# SPDX-License-Identifier: Apache-2.0
"""Losses over relocations as load generators count them that are not ours, and as the instances' own logs tell.

vegeta (HTTP/1.1 and HTTP/2) and ghz (gRPC unary) send at a constant rate through both Envoys while one application moves
back and forth; our own traffic runs beside them. Streams and WebSockets have no such generator: those only we count.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from relocate.demo import site
from relocate.demo.app import answers
from relocate.demo.drive import UE
from relocate.demo.report.model import Account
from relocate.demo.system import System
from relocate.demo.traffic.plan import STREAMS
from relocate.demo.traffic.record import Outcome, Recording, read_recording
from tests.bench.bench import Bench
from tests.bench.loads.generators import Generators, Target
from tests.bench.loads.reconciled import Reconciled, reconcile
from tests.bench.loads.sent import Sent
from tests.bench.moving import Moving, Way
from tests.bench.rows import Row
from tests.programs.build import LOADS, NeedsGoError, build

NAME = "loads"
APPLICATION = "bench-loads"
SHARE = 0.3
"""Of the demo's traffic: ours is here to be compared."""
RATE = 40
"""Requests a second of each generator, in each protocol."""
SECONDS = 60
"""How long the generators send."""
LAST_START_SECONDS = 15.0
"""A relocation that could not end while they still send is not begun."""
OURS = "ours"
PREFIXES = {"vegeta-http1": "vegeta-http1.", "vegeta-http2": "vegeta-http2.", "ghz": "ghz-", OURS: f"{UE}."}
"""How the ids of each generator's requests begin."""
SHOWN_REASONS = 5
LOST = frozenset({Outcome.FAILED, Outcome.MISSING})
WHAT = "requests lost or wrong over relocations, as vegeta (HTTP/1.1, HTTP/2) and ghz (gRPC unary) count"
UNEXPLAINED = "requests about which a load generator and the instances' own logs contradict each other"


async def measure(bench: Bench) -> Sequence[Row]:
    """Their count beside ours, and what the logs do not explain; both to be 0."""
    bench.tell("loads: building vegeta and ghz (the first time takes minutes)")
    try:
        programs = await asyncio.to_thread(build, LOADS)
    except NeedsGoError as reason:
        return [Row(name=NAME, what=WHAT, value=None, unit="requests", note=f"not measured: {reason}")]
    folder = bench.subfolder("loads")
    system = await bench.system()
    logs = folder / "answers"
    moving = Moving(system, APPLICATION, share=SHARE, told=["--answers", str(logs)])
    bench.tell(f"loads: {SECONDS} s under vegeta, ghz and our own traffic")
    try:
        await moving.begin()
        sent = await _under_load(Generators(programs, folder), moving)
    finally:
        await moving.end()
    return _rows(moving, sent, answers.read(logs))


async def _under_load(generators: Generators, moving: Moving) -> Sequence[Sent]:
    """Relocate back and forth for as long as the generators send; their accounts."""
    target = _target(moving.system)
    sending = asyncio.gather(
        generators.vegeta("vegeta-http1", target, rate=RATE, seconds=SECONDS, http2=False),
        generators.vegeta("vegeta-http2", target, rate=RATE, seconds=SECONDS, http2=True),
        generators.ghz("ghz", target, rate=RATE, seconds=SECONDS),
    )
    until = time.monotonic() + SECONDS - LAST_START_SECONDS
    try:
        while time.monotonic() < until:
            await moving.move(Way.OURS)
        return await sending
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


def _target(system: System) -> Target:
    ports = [system.ports.listeners[instance] for instance in site.INSTANCES]
    return Target(host=site.host_of(APPLICATION), ports=ports, ca_file=Path(system.certificates.ca))


def _rows(moving: Moving, sent: Sequence[Sent], logged: Mapping[str, Sequence[str]]) -> Sequence[Row]:
    accounts = moving.accounts(Way.OURS)
    ours = accounts.account()
    found = [reconcile(one, _answers_to(one, logged)) for one in (*sent, _of(read_recording(moving.traffic.records)))]
    theirs = [one for one in found if one.name != OURS]
    return [_counted(len(moving.views), theirs, ours, sent), _explained(found)]


def _counted(relocations: int, theirs: Sequence[Reconciled], ours: Account, sent: Sequence[Sent]) -> Row:
    bad = sum(one.bad for one in theirs)
    reasons = {reason for one in sent for reason in (*one.failed.values(), *one.wrong.values(), *one.unnamed)}
    beside = f"our own traffic, all protocols, same relocations: sent {ours.sent}, lost {ours.lost}, wrong {ours.wrong}"
    return Row(
        name=NAME,
        what=WHAT.replace("relocations", f"{relocations} relocations"),
        value=bad,
        unit="requests",
        against="our own traffic, same time",
        reference=ours.lost + ours.wrong,
        reach="0",
        ok=bad == 0 and relocations > 0,
        spread=", ".join(f"{one.name} sent {one.sent}, bad {one.bad}" for one in theirs),
        note="; ".join([beside, *sorted(reasons)[:SHOWN_REASONS]]),
    )


def _explained(found: Sequence[Reconciled]) -> Row:
    unexplained = sum(one.unexplained for one in found)
    return Row(
        name=NAME,
        what=UNEXPLAINED,
        value=unexplained,
        unit="requests",
        reach="0",
        ok=unexplained == 0,
        note="; ".join([*map(str, found), "streams and WebSockets: only our own traffic counts those"]),
    )


def _answers_to(sent: Sent, logged: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """What the logs say about one generator's requests. Probes are there too: the gateways gave them ids of their own."""
    return {request: who for request, who in logged.items() if request.startswith(PREFIXES[sent.name])}


def _of(recording: Recording) -> Sent:
    """Our own single requests, told as a generator would."""
    tables = recording.timetables
    single = [
        (f"{tables[one.timetable].name}.{one.slot}", one)
        for one in recording.records
        if tables[one.timetable].protocol not in STREAMS
    ]
    return Sent(
        OURS,
        frozenset(request for request, _ in single),
        {request: one.error or "" for request, one in single if one.outcome in LOST},
        {request: one.error or "" for request, one in single if one.outcome is Outcome.WRONG},
    )
