# SPDX-License-Identifier: Apache-2.0
"""Requests lost or wrong over relocations under all protocols: ours, and the two ways in which people do it today.

Two applications at once; each takes the three ways in turns, so that all meet the same machine.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from relocate.demo.report.model import Account
from relocate.demo.report.verdict import bound_in_words
from tests.bench.bench import Bench
from tests.bench.moving import Moving, Way
from tests.bench.rows import Row
from tests.bench.watched import Watched

NAME = "losses"
APPLICATIONS = ("bench-one", "bench-two")
ROUND = (Way.OURS, Way.TODAY, Way.OURS, Way.DELETE_FIRST)
ROUNDS = 5
"""Rounds for each application: 20 relocations of ours in all, 10 in each of the other orders."""
SHARE = 0.5
"""Of the demo's traffic, for each of the two applications."""


async def measure(bench: Bench) -> Sequence[Row]:
    """One row for ours, to be 0, and one for each other way."""
    bench.tell(f"losses: {2 * len(APPLICATIONS) * ROUNDS} relocations of ours, and as many in other orders, in turns")
    system = await bench.system()
    moved = [Moving(system, name, share=SHARE) for name in APPLICATIONS]
    try:
        await _both(bench, moved)
    finally:
        for one in moved:
            await one.end()
    return [row(NAME, way, moved, ours=way is Way.OURS) for way in (Way.OURS, Way.TODAY, Way.DELETE_FIRST)]


async def _both(bench: Bench, moved: Sequence[Moving]) -> None:
    """Raises what went wrong first, as it is."""
    running = [asyncio.create_task(_run(bench, one)) for one in moved]
    try:
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _run(bench: Bench, moving: Moving) -> None:
    await moving.begin()
    for number in range(ROUNDS):
        for way in ROUND:
            await moving.move(way)
        bench.tell(f"losses: {moving.name}, round {number + 1} of {ROUNDS}")


def row(name: str, way: StrEnum, moved: Sequence[Watched], *, ours: bool) -> Row:
    """What was lost in all moves of one kind; to be 0 where the way is ours.

    Raises:
        RuntimeError: nothing was sent.
    """
    accounts = [one.accounts(way) for one in moved]
    total = _sum([one.account() for one in accounts])
    count = sum(len(one.views) for one in moved) if ours else sum(len(one.windows[way]) for one in moved)
    if total.sent == 0:
        raise RuntimeError(f"{way}: nothing was sent")
    bad = total.lost + total.wrong
    spread = (
        f"sent {total.sent}, lost {total.lost} ({bound_in_words(total)}), wrong {total.wrong}, streams cut {total.cut}"
    )
    lost: Counter[str] = Counter()
    for account in accounts:
        lost.update({protocol: one.lost + one.wrong for protocol, one in account.per_protocol().items()})
    notes = [
        f"longest gap {total.longest_gap_ms:.0f} ms",
        *(f"{protocol} {number}" for protocol, number in lost.items() if number),
    ]
    if ours:
        notes.append("outcomes: " + _outcomes(moved))
    return Row(
        name=name,
        what=f"requests lost or wrong over {count} {'relocations' if ours else 'moves'}, all protocols: {way}",
        value=bad,
        unit="requests",
        reach="0" if ours else None,
        ok=bad == 0 if ours else None,
        spread=spread,
        note="; ".join(notes),
    )


def _outcomes(moved: Sequence[Watched]) -> str:
    outcomes = Counter(view.outcome for one in moved for view in one.views)
    return ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())


def _sum(accounts: Sequence[Account]) -> Account:
    fields = ("sent", "right", "wrong", "failed", "missing", "lost", "cut")
    sums = {field: sum(getattr(one, field) for one in accounts) for field in fields}
    return Account(**sums, longest_gap_ms=max(one.longest_gap_ms for one in accounts))
