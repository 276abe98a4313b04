# SPDX-License-Identifier: Apache-2.0
"""The check of a relocation's record finds what was left out, and has nothing against a whole one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from relocate.model.chain import GENESIS, chained
from relocate.model.evidence import Claim, Entry
from relocate.model.relocation import Outcome, Phase, RelocationRequest, Status, View
from steering.model import Rung
from tests.chaos.evidence import violations

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
A, B = "mec-a", "mec-b"
BOTH, SWITCHED, ALONE = {A: 100, B: 0}, {A: 0, B: 100}, {B: 100}


def written(phase: Phase, sequence: int, weights: dict[str, int]) -> Claim:
    """A document was written."""
    detail = {"weights": weights, "fence": {"lease": 3, "sequence": sequence}}
    return Claim(rung=Rung.WRITTEN, phase=phase, sentence="written", detail=detail)


def looked(rung: Rung, *, holds: bool = True) -> Claim:
    """The last look before the point of no return."""
    return Claim(rung=rung, phase=Phase.TEARDOWN, sentence=f"checked once more: {rung.name}", holds=holds)


GATE = Claim(rung=Rung.PROBED, phase=Phase.READY, side=B, sentence="ready")
PROVEN = Claim(rung=Rung.PROBED, phase=Phase.TEARDOWN, instance="edge-1", sentence="answered as written")
WHOLE = [
    written(Phase.PREPARE, 3, BOTH),
    GATE,
    written(Phase.SWITCH, 5, SWITCHED),
    written(Phase.TEARDOWN, 7, ALONE),
    PROVEN,
    looked(Rung.ACKNOWLEDGED),
    looked(Rung.PROBED),
    looked(Rung.DRAINED),
]


def record(claims: Sequence[Claim]) -> list[Entry]:
    """One claim a second."""
    entries: list[Entry] = []
    for number, claim in enumerate(claims, start=1):
        previous = entries[-1].digest if entries else GENESIS
        entries.append(chained("r", number, previous, claim, BEGAN + timedelta(seconds=number)))
    return entries


def view(outcome: Outcome = Outcome.COMPLETED) -> View:
    """A move from A to B that has ended."""
    return View(
        id="r",
        application="shop",
        status=Status.FINISHED,
        outcome=outcome,
        request=RelocationRequest(application="shop"),
        source=A,
        target=B,
        steps=(),
        created_at=BEGAN,
    )


REMOVED = BEGAN + timedelta(minutes=1)


def test_a_whole_record_breaks_nothing() -> None:
    """Ready, switched, drained, forgotten, checked, removed."""
    assert violations(view(), record(WHOLE), REMOVED) == []


@pytest.mark.parametrize("rung", [Rung.ACKNOWLEDGED, Rung.PROBED, Rung.DRAINED])
def test_a_removal_without_one_of_its_proofs_is_found(rung: Rung) -> None:
    """Left out, or looked at and not found: both are named."""
    left_out = [claim for claim in WHOLE if claim != looked(rung)]
    assert any(rung.name in text for text in violations(view(), record(left_out), REMOVED))
    not_so = [looked(rung, holds=False) if claim == looked(rung) else claim for claim in WHOLE]
    assert any("although" in text for text in violations(view(), record(not_so), REMOVED))


def test_a_proof_that_came_after_the_removal_is_none() -> None:
    """What counts is what was known at the point of no return."""
    early = BEGAN + timedelta(seconds=len(WHOLE) - 1)
    assert any("DRAINED" in text for text in violations(view(), record(WHOLE), early))


def test_a_cut_that_an_operator_allowed_waives_the_drain_alone() -> None:
    """By name, in the record."""
    note = Claim(rung="note", phase=Phase.DRAIN, sentence="ann allowed the cut: late")
    waived = [note, *(looked(Rung.DRAINED, holds=False) if claim == looked(Rung.DRAINED) else claim for claim in WHOLE)]
    assert violations(view(), record(waived), REMOVED) == []
    unseen = [looked(Rung.PROBED, holds=False) if claim == looked(Rung.PROBED) else claim for claim in waived]
    assert violations(view(), record(unseen), REMOVED)


def test_weight_for_a_target_that_was_not_proven_ready_is_found() -> None:
    """Steering without the gate."""
    blind = [claim for claim in WHOLE if claim != GATE]
    assert any("before it was proven ready" in text for text in violations(view(), record(blind), REMOVED))


def test_a_write_under_an_older_fence_is_found() -> None:
    """A stale writer came through."""
    stale = [*WHOLE[:3], written(Phase.SWITCH, 4, BOTH), *WHOLE[3:]]
    assert any("fence 3.4 was used after 3.5" in text for text in violations(view(), record(stale), REMOVED))


def test_a_removal_while_the_gateways_still_knew_the_source_is_found() -> None:
    """The last document before the point of no return names the target alone, and was seen through a gateway."""
    still = [claim for claim in WHOLE if claim.detail.get("weights") != ALONE]
    assert any("still named it" in text for text in violations(view(), record(still), REMOVED))
    unseen = [claim for claim in WHOLE if claim != PROVEN]
    assert any("no gateway instance had proven" in text for text in violations(view(), record(unseen), REMOVED))


def test_a_changed_entry_is_found() -> None:
    """The chain does not follow any more."""
    entries = record(WHOLE)
    entries[2] = entries[2].model_copy(update={"claim": entries[2].claim.model_copy(update={"sentence": "other"})})
    assert any("chain is broken" in text for text in violations(view(), entries, REMOVED))


def test_completion_without_a_point_of_no_return_is_found() -> None:
    """Nothing says that the source was removed in order."""
    assert violations(view(), record(WHOLE), None)
    assert violations(view(Outcome.ROLLED_BACK), record(WHOLE[:2]), None) == []
