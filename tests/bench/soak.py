# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.bench.soak`: one application moves again and again under all protocols, until enough was sent.

Each relocation has a leg of its own: the traffic starts, the application moves, the traffic goes on until the leg's
share of the requests is sent, and stops; then every request of the leg is accounted for. So memory and files stay small
however long it takes. Results go to `build/soak.json` after every leg; the raw records of one in which something was lost,
wrong or cut are kept beside it.

Interrupted, it goes on where it was when it is asked for the same from the same commit. A leg that was interrupted has no
account and is done again, and the result says how many there were; one that failed stays in the result.

Exit code: 0 if no request was lost or wrong and everything that was asked for was done; 130 if it was interrupted; 1
otherwise.
"""

import argparse
import asyncio
import json
import logging
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from relocate.demo.report.accounts import Accounts
from relocate.demo.stage import interruptible
from relocate.demo.traffic.plan import STREAMS, Flow, Protocol
from relocate.demo.traffic.record import read_recording
from relocate.errors import RelocateError
from tests.bench.bench import Bench
from tests.bench.moving import Moving, Way
from tests.bench.printing import machine
from tests.bench.soaking import LEGS, Leg, Soak
from tests.bench.steal import Steal

JSON = Path("build/soak.json")
APPLICATION = "soak"
RATE = 200.0
"""Requests a second in each of the five protocols. Measured: 0.9 ms of CPU time each over traffic, gateways and instance, and
1.2 of two cores with everything else, a relocation every 16 s. Under others' load gRPC is the first that is late."""
MARGIN_SECONDS = 1.0
"""A leg's traffic flows so much longer than its requests need: they start at different moments."""
EVER = (0, 2**63)
"""The window of all requests of a leg."""


def main() -> int:
    """Soak as asked for."""
    asked = _parser().parse_args()
    logging.basicConfig(level=logging.ERROR)
    return interruptible(_verdict(asked.requests, asked.relocations, asked.rate))


async def _verdict(requests: int, relocations: int, rate: float) -> int:
    console = Console(highlight=False, soft_wrap=True)
    soak = await run(requests, relocations, rate, tell=console.print)
    if soak.interrupted:
        console.print(f"{soak.interrupted} legs were begun and interrupted, and are not in this account")
    reason = soak.why_not_passed()
    console.print(f"not passed: {reason}" if reason else "passed: nothing lost, nothing wrong")
    return 1 if reason else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description="Relocate under much traffic.")
    parser.add_argument("--requests", type=int, default=1_000_000, help="in each protocol (default: %(default)s)")
    parser.add_argument("--relocations", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--rate", type=float, default=RATE, help="a second, in each protocol (default: %(default)s)")
    return parser


async def run(requests: int, relocations: int, rate: float, *, tell: Callable[[str], None]) -> Soak:
    """Do all legs.

    Args:
        requests: in each protocol, over all legs.
        relocations: how many legs.
        rate: requests a second in each protocol.
        tell: is given a line about each leg.
    """
    leg_seconds = math.ceil(requests / relocations) / rate + MARGIN_SECONDS
    told = f"{relocations} legs of {leg_seconds:.0f} s at least, {rate:g} requests a second in each of {len(Protocol)} protocols"
    tell(told)
    asked = {"commit": _commit(), "relocations": relocations, "requests_in_each_protocol": requests, "rate": rate}
    soak = _resumed(Soak(relocations, requests), asked)
    if soak.legs:
        tell(f"going on: {soak.progress()}")
    with TemporaryDirectory(prefix="relocate-soak-") as folder:
        async with AsyncExitStack() as stack:
            moving = Moving(await Bench(stack, Path(folder), tell).system(), APPLICATION, traffic=flows(rate))
            await moving.place()
            failure: str | None = None
            while not (soak.is_whole or failure):
                soak = soak.with_begun()
                write(JSON, soak, asked)
                leg = await _leg(moving, leg_seconds)
                soak, failure = soak.with_leg(leg), leg.failure
                write(JSON, soak, asked)
                tell(_told(soak))
    return soak


def _commit() -> str | None:
    """What is run; None where nobody can say: changes that are in no commit have no name."""
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=40", "--dirty"], capture_output=True, text=True, check=False
    )
    name = told.stdout.strip()
    return name if name and not name.endswith("-dirty") else None


def _resumed(soak: Soak, asked: Mapping[str, Any]) -> Soak:
    """With what an interrupted run of the same has done."""
    if asked["commit"] is None or not JSON.exists():
        return soak
    written = json.loads(JSON.read_text(encoding="utf-8"))
    return soak.resumed(written) if written.get("asked") == asked else soak


async def _leg(moving: Moving, seconds: float) -> Leg:
    """One relocation under traffic, and what became of every request."""
    moving.traffic.feed.unlink(missing_ok=True)
    began, steal, seen, failure = time.monotonic(), Steal(), len(moving.views), None
    await moving.flow()
    until = time.monotonic() + seconds
    try:
        await moving.move(Way.OURS)
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    except (RuntimeError, TimeoutError, RelocateError) as error:
        failure = str(error)
    finally:
        await moving.traffic.stop()
    stolen = steal.share()
    accounts = Accounts(await asyncio.to_thread(read_recording, moving.traffic.records), [EVER])
    view = moving.views[-1] if len(moving.views) > seen else None
    name = view.id if view else "unknown"
    if accounts.reasons() or accounts.cuts():
        # Which requests they were, and when: whoever looks for the reason needs every one of them.
        shutil.copy(moving.traffic.records, JSON.with_name(f"soak-{name}.jsonl"))
    return Leg(
        name,
        view.outcome if view else None,
        round(time.monotonic() - began, 1),
        accounts.per_protocol(),
        accounts.reasons(),
        accounts.cuts(),
        round(stolen, 3),
        failure,
    )


def flows(rate: float) -> Sequence[Flow]:
    """Each protocol at the same rate; streams live 2 s."""
    paths = {Protocol.WEBSOCKET: "/ws"}
    return [
        Flow(
            protocol=protocol,
            rate=rate,
            path=paths.get(protocol, "/whoami"),
            connections=6,
            life_seconds=2 if protocol in STREAMS else 6,
        )
        for protocol in Protocol
    ]


def write(path: Path, soak: Soak, asked: Mapping[str, Any]) -> None:
    """The sums, every leg, and whether it passed so far; whole or not at all."""
    body = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "machine": machine(),
        "asked": asked,
        "not_passed": soak.why_not_passed(),
        "total": soak.total().model_dump(),
        "protocols": {protocol: soak.account(protocol).model_dump() for protocol in Protocol},
        "begun": soak.begun,
        "interrupted": soak.interrupted,
        "legs": LEGS.dump_python(tuple(soak.legs), mode="json"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _told(soak: Soak) -> str:
    leg = soak.legs[-1]
    reasons = [f"{number} x {reason}" for reason, number in (*leg.reasons.items(), *leg.cuts.items())]
    if reasons:
        reasons.append(f"the machine's host took {100 * leg.stolen:.1f} % of its processors' time")
    if leg.failure:
        reasons.append(leg.failure)
    return soak.progress() + (f"; this leg: {'; '.join(reasons)}" if reasons else "")


if __name__ == "__main__":
    sys.exit(main())
