# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.bench.soak`: one application moves again and again under all protocols, until enough was sent.

Each relocation has a leg of its own: the traffic starts, the application moves, the traffic goes on until the leg's
share of the requests is sent, and stops; then every request of the leg is accounted for. So memory and files stay small
however long it takes. Results go to `build/soak.json` after every leg; the raw records of one in which something was lost
or wrong are kept beside it.

Exit code: 0 if no request was lost or wrong and everything that was asked for was done; 1 otherwise.
"""

import argparse
import asyncio
import json
import logging
import math
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from relocate.demo.report.accounts import Accounts
from relocate.demo.traffic.plan import STREAMS, Flow, Protocol
from relocate.demo.traffic.record import read_recording
from tests.bench.bench import Bench
from tests.bench.moving import Moving, Way
from tests.bench.printing import machine
from tests.bench.soaking import Leg, Soak

JSON = Path("build/soak.json")
APPLICATION = "soak"
RATE = 60.0
"""Requests a second in each of the five protocols: what two cores carry with some room to spare."""
MARGIN_SECONDS = 1.0
"""A leg's traffic runs so much longer than its requests need: they start at different moments."""
EVER = (0, 2**63)
"""The window of all requests of a leg."""


def main() -> int:
    """Soak as asked for."""
    asked = _parser().parse_args()
    logging.basicConfig(level=logging.ERROR)
    console = Console(highlight=False, soft_wrap=True)
    soak = asyncio.run(run(asked.requests, asked.relocations, asked.rate, tell=console.print))
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
    soak, began = Soak(relocations, requests), time.monotonic()
    leg_seconds = math.ceil(requests / relocations) / rate + MARGIN_SECONDS
    tell(
        f"{relocations} legs of {leg_seconds:.0f} s at least, {rate:g} requests a second in each of {len(Protocol)} protocols"
    )
    JSON.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="relocate-soak-") as folder:
        async with AsyncExitStack() as stack:
            moving = Moving(await Bench(stack, Path(folder), tell).system(), APPLICATION, traffic=flows(rate))
            await moving.place()
            while len(soak.legs) < relocations:
                soak = soak.with_leg(await _leg(moving, leg_seconds))
                write(JSON, soak, rate=rate, elapsed=time.monotonic() - began)
                tell(_told(soak, time.monotonic() - began))
    return soak


async def _leg(moving: Moving, seconds: float) -> Leg:
    """One relocation under traffic, and what became of every request."""
    moving.traffic.feed.unlink(missing_ok=True)
    began = time.monotonic()
    await moving.flow()
    try:
        took = await moving.move(Way.OURS)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    finally:
        await moving.traffic.stop()
    accounts = Accounts(await asyncio.to_thread(read_recording, moving.traffic.records), [EVER])
    view = moving.views[-1]
    if accounts.reasons():
        # Which requests they were, and when: whoever looks for the reason needs every one of them.
        shutil.copy(moving.traffic.records, JSON.with_name(f"soak-{view.id}.jsonl"))
    return Leg(view.id, view.outcome, took, accounts.per_protocol(), accounts.reasons())


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


def write(path: Path, soak: Soak, **more: Any) -> None:
    """The sums, every leg, and whether it passed so far."""
    body = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "machine": machine(),
        **more,
        "wanted": {"relocations": soak.wanted_relocations, "requests_in_each_protocol": soak.wanted_requests},
        "not_passed": soak.why_not_passed(),
        "total": soak.total().model_dump(),
        "protocols": {protocol: soak.account(protocol).model_dump() for protocol in Protocol},
        "legs": [
            {"relocation": leg.relocation, "outcome": leg.outcome, "seconds": round(leg.seconds, 1)}
            | {"lost_or_wrong": sum(one.lost + one.wrong for one in leg.accounts.values()), "reasons": leg.reasons}
            for leg in soak.legs
        ],
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def _told(soak: Soak, elapsed: float) -> str:
    reasons = "; ".join(f"{number} x {reason}" for reason, number in soak.legs[-1].reasons.items())
    return f"{elapsed:6.0f} s  {soak.progress(elapsed)}" + (f"; this leg: {reasons}" if reasons else "")


if __name__ == "__main__":
    sys.exit(main())
