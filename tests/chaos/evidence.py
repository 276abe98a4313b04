# SPDX-License-Identifier: Apache-2.0
"""What a relocation's own record must say, whatever was killed while it was made."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from relocate.model.chain import broken_link
from relocate.model.evidence import Claim, Entry
from relocate.model.relocation import Outcome, Phase, View
from steering.model import Fence, Rung

NEEDED = (Rung.ACKNOWLEDGED, Rung.PROBED, Rung.DRAINED)
"""What the last look before a removal must have found."""


def violations(view: View, record: Sequence[Entry], removed_at: datetime | None) -> Sequence[str]:
    """Every invariant that the record breaks, in words.

    Args:
        view: how it ended.
        record: its evidence.
        removed_at: when it passed the point of no return; None when it never did.
    """
    return list(_violations(view, record, removed_at))


def _violations(view: View, record: Sequence[Entry], removed_at: datetime | None) -> Iterator[str]:
    if (broken := broken_link(record)) is not None:
        yield f"the chain is broken at entry {broken}"
    writes = [entry for entry in record if entry.claim.rung == Rung.WRITTEN]
    yield from _fences([Fence.model_validate(entry.claim.detail["fence"]) for entry in writes])
    yield from _raises(view, record)
    if removed_at is not None:
        yield from _removal(view, record, removed_at)
    elif view.outcome is Outcome.COMPLETED and not any("settle" in e.claim.sentence for e in record):
        yield "it completed, and nothing says that the point of no return was passed"


def _fences(fences: Sequence[Fence]) -> Iterator[str]:
    for before, after in pairwise(fences):
        # A write that is done again after a crash keeps its fence.
        if after < before:
            yield f"fence {after.lease}.{after.sequence} was used after {before.lease}.{before.sequence}"


def _raises(view: View, record: Sequence[Entry]) -> Iterator[str]:
    """Weight is never raised on the target before it has passed the gate."""
    ready = False
    for claim in (entry.claim for entry in record):
        if claim.phase is Phase.READY and claim.side == view.target and claim.holds:
            ready = True
        raised = claim.rung == Rung.WRITTEN and claim.detail["weights"].get(view.target, 0) > 0
        if raised and not ready and claim.phase is not None:
            yield f"{view.target} was given weight before it was proven ready: {claim.sentence}"
            return


def _removal(view: View, record: Sequence[Entry], removed_at: datetime) -> Iterator[str]:
    before = [entry.claim for entry in record if entry.at <= removed_at]
    looks = [claim for claim in before if claim.phase is Phase.TEARDOWN and "checked once more" in claim.sentence]
    waived = any(claim.rung == "note" and "allowed the cut" in claim.sentence for claim in before)
    for rung in NEEDED:
        found = [claim for claim in looks if claim.rung == rung]
        excused = rung is Rung.DRAINED and waived
        if not found:
            yield f"{view.source} was removed, and {rung.name} was not looked at once more before"
        elif not found[-1].holds and not excused:
            yield f"{view.source} was removed although {found[-1].sentence}"
    yield from _last_write(view, before)


def _last_write(view: View, before: Sequence[Claim]) -> Iterator[str]:
    """Before the removal the source was forgotten, and every gateway instance that was not dead proved it."""
    writes = [number for number, claim in enumerate(before) if claim.rung == Rung.WRITTEN]
    if not writes or before[writes[-1]].detail["weights"] != {view.target: 100}:
        yield f"{view.source} was removed, and the last document before still named it"
        return
    after = before[writes[-1] :]
    proven = {claim.instance for claim in after if claim.rung == Rung.PROBED and claim.instance and claim.holds}
    if not proven:
        yield f"{view.source} was removed, and no gateway instance had proven that it is forgotten"
