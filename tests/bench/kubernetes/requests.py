# SPDX-License-Identifier: Apache-2.0
"""Requests to the API servers for one relocation, against those of kubectl, as the API servers count them.

Relocations there and back take turns with moves by hand. Nothing else goes on; nobody sends traffic.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from tests.bench.kubernetes.by_hand import ByHand
from tests.bench.kubernetes.placed import placed
from tests.bench.kubernetes.stage import Stage
from tests.bench.ours import relocate
from tests.bench.rows import Reach, Row, compared
from tests.e2e.scene import A, B
from tests.testbed.audit import KUBECTL, OURS, Audited
from tests.testbed.bed import Bed

NAME = "requests"
MOST = 8
"""How many kinds of requests a note names."""


async def measure(stage: Stage, rounds: int) -> Sequence[Row]:
    """The row for the edge clusters, and for orientation the one for where gateways are configured.

    Raises:
        LookupError: these clusters are no test bed, whose audit logs could be read.
    """
    stage.tell(f"{NAME}: {rounds} relocations and {rounds} moves by hand, in turns, after one pair that is not counted")
    bed = stage.clusters.bed
    if bed is None:
        raise LookupError("requests are counted from audit logs, which only a test bed has")
    by_hand, name = ByHand(stage, 0), "counted"
    await stage.system.describe(stage.application(name))
    try:
        await by_hand.place()
        async with placed(stage, {name: A}):
            pairs = [await _pair(stage, bed, name, by_hand, number) for number in range(rounds + 1)][1:]
    finally:
        await by_hand.remove()
    ours, theirs = zip(*pairs, strict=True)
    return [_edges(ours, theirs), _hub(ours, theirs, bed.hub.name)]


async def _pair(stage: Stage, bed: Bed, name: str, by_hand: ByHand, number: int) -> tuple[Audited, Audited]:
    with Audited(bed, OURS) as ours:
        await relocate(stage.system, name, (B, A)[number % 2])
    with Audited(bed, KUBECTL) as theirs:
        await by_hand.move()
    return ours, theirs


def _edges(ours: Sequence[Audited], theirs: Sequence[Audited]) -> Row:
    row = compared(
        NAME,
        "requests to the API servers of both edge clusters for a relocation",
        value=median(one.of(A, B) for one in ours),
        reference=median(one.of(A, B) for one in theirs),
        unit="requests",
        against="kubectl apply, rollout status, delete",
        reach=Reach(2.0),
    )
    return row.model_copy(update={"spread": f"{_each(ours, A, B)} | {_each(theirs, A, B)}", "note": _note(ours, A, B)})


def _hub(ours: Sequence[Audited], theirs: Sequence[Audited], hub: str) -> Row:
    row = compared(
        NAME,
        "requests to the API server where the gateway is configured, for a relocation",
        value=median(one.of(hub) for one in ours),
        reference=median(one.of(hub) for one in theirs),
        unit="requests",
        against="kubectl patch httproute, which proves nothing",
        reach=None,
    )
    return row.model_copy(update={"spread": f"{_each(ours, hub)} | {_each(theirs, hub)}", "note": _note(ours, hub)})


def _each(counted: Sequence[Audited], *clusters: str) -> str:
    return ", ".join(str(one.of(*clusters)) for one in counted)


def _note(counted: Sequence[Audited], *clusters: str) -> str:
    """What was asked most, in the last of them."""
    asked: Counter[str] = sum((counted[-1].counted[one] for one in clusters), Counter())
    return "the last: " + ", ".join(f"{number} {what}" for what, number in asked.most_common(MOST))
