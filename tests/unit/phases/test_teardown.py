# SPDX-License-Identifier: Apache-2.0
"""What stands between A and its removal."""

import pytest
from hypothesis import given, strategies as st

from relocate.phases.teardown import Checked, Waivers, join_reasons, why_not_forgotten, why_not_teardown
from steering.model import Fence, RouteState
from tests.unit.steering.documents import document

PROVEN = Checked(acknowledged=None, seen=None, target_healthy=None, drained=None, watched=None, evidence_stored=True)
REASONS = st.none() | st.just("it is not so")
CHECKED = st.builds(
    Checked,
    acknowledged=REASONS,
    seen=REASONS,
    target_healthy=REASONS,
    drained=REASONS,
    watched=REASONS,
    evidence_stored=st.booleans(),
)
WAIVERS = st.builds(Waivers, force_drain=st.booleans(), unproven=st.booleans(), unsteered=st.booleans())


def test_everything_proven_lets_it_go() -> None:
    """Nothing speaks against it."""
    assert why_not_teardown(PROVEN, Waivers()) is None


def test_what_was_not_checked_is_not_proven() -> None:
    """The defaults forbid: a check that was left out is no proof, whatever is waived."""
    assert why_not_teardown(Checked(), Waivers()) is not None
    everything = Waivers(force_drain=True, unproven=True)
    assert why_not_teardown(Checked(evidence_stored=True), everything) is not None


@pytest.mark.parametrize("field", ["acknowledged", "seen", "target_healthy", "drained", "watched"])
def test_each_reason_alone_forbids_it(field: str) -> None:
    """One missing proof is enough, and its words are passed on."""
    checked = PROVEN.model_copy(update={field: "edge-2 is deaf"})
    assert "edge-2 is deaf" in (why_not_teardown(checked, Waivers()) or "")


@given(CHECKED, WAIVERS)
def test_only_the_drain_is_waived_as_a_whole(checked: Checked, waivers: Waivers) -> None:
    """`force` waives it. `unproven` waives what an adapter cannot prove, where it is asked, and nothing that it can.

    Only where there is no route at all does `unproven` waive whatever is said of users; never B's health, nor the record.
    """
    unsteered = waivers.unsteered and waivers.unproven
    proof = checked.acknowledged is None and checked.seen is None
    allowed = (
        checked.evidence_stored
        and checked.target_healthy is None
        and checked.watched is None
        and (proof or unsteered)
        and (checked.drained is None or waivers.force_drain or unsteered)
    )
    assert (why_not_teardown(checked, waivers) is None) == allowed


def test_reasons_are_joined_and_none_is_none() -> None:
    """No reason is no sentence; empty words are no reason."""
    assert join_reasons([]) is None
    assert join_reasons([None, ""]) is None
    assert join_reasons(["edge-1 is deaf", None, "edge-2 is dead"]) == "edge-1 is deaf; edge-2 is dead"


def test_a_route_has_forgotten_the_source_when_our_last_write_is_there_and_names_it_no_more() -> None:
    """A route that is gone, that somebody else wrote, or that still names the source, has not."""
    found = RouteState(document=document(), version="1", fence=Fence(lease=1, sequence=1))
    ours, (name, *_) = found.document.epoch, found.document.weights
    assert why_not_forgotten(found, "nobody", ours, "route app") is None
    assert why_not_forgotten(None, "nobody", ours, "route app") == "route app is gone"
    assert why_not_forgotten(found, name, ours, "route app") == f"route app still names {name}"
    for other in ("other.1.1", None):
        assert why_not_forgotten(found, "nobody", other, "route app") == "route app was changed by somebody else"
