# SPDX-License-Identifier: Apache-2.0
"""When a write counts as live."""

import pytest
from hypothesis import given, strategies as st

from relocate.phases.proof import (
    Answer,
    alive,
    is_failing,
    is_rejected,
    is_waived,
    why_not_acknowledged,
    why_not_seen,
)
from steering.model import Acknowledgement, InstanceAcknowledgement, Rung

STATES = st.sampled_from(Acknowledgement)
TOLD = st.dictionaries(st.sampled_from(["edge-1", "edge-2", "edge-3", "edge-4"]), STATES, max_size=4)
NAMES = st.frozensets(st.sampled_from(["edge-1", "edge-2", "edge-3", "edge-4"]))
EPOCH = "rel-1.1.4"


def _told(states: dict[str, Acknowledgement], reason: str = "") -> list[InstanceAcknowledgement]:
    return [InstanceAcknowledgement(instance=name, state=state, reason=reason) for name, state in states.items()]


def _answers(*sides: str | None, epoch: str = EPOCH) -> list[Answer]:
    return [Answer(instance="edge-1", epoch=epoch, side=side) for side in sides]


@given(TOLD, NAMES)
def test_at_least_one_instance_and_all_of_them(states: dict[str, Acknowledgement], waived: frozenset[str]) -> None:
    """Acknowledged means: of those neither dead nor waived there is one, and every one has applied it."""
    counted = {n: s for n, s in states.items() if s is not Acknowledgement.DEAD and n not in waived}
    whole = bool(counted) and set(counted.values()) == {Acknowledgement.APPLIED}
    assert (why_not_acknowledged(_told(states), sorted(waived)) is None) == whole


@given(TOLD, NAMES)
def test_every_instance_that_is_missing_is_named(states: dict[str, Acknowledgement], waived: frozenset[str]) -> None:
    """The reason names each instance that is needed and has not applied it, and no other."""
    reason = why_not_acknowledged(_told(states), sorted(waived)) or ""
    needed = alive(_told(states), sorted(waived))
    for name, state in states.items():
        assert (name in reason) == (name in needed and state is not Acknowledgement.APPLIED)


def test_nobody_is_no_proof() -> None:
    """A check over nothing is false: without instances, and when all are dead or waived."""
    nobody = "no gateway instance is left that could acknowledge"
    assert why_not_acknowledged([]) == nobody
    assert why_not_acknowledged(_told({"edge-1": Acknowledgement.DEAD})) == nobody
    assert why_not_acknowledged(_told({"edge-1": Acknowledgement.APPLIED}), ["edge-1"]) == nobody


@pytest.mark.parametrize(
    "state", [s for s in Acknowledgement if s not in {Acknowledgement.APPLIED, Acknowledgement.DEAD}]
)
def test_anything_but_applied_is_missing_with_its_reason(state: Acknowledgement) -> None:
    """Pending, rejected, deaf and unknown are each not proven, and the instance's own words are passed on."""
    reason = why_not_acknowledged(_told({"edge-1": state}, "route: too long"))
    assert reason is not None
    assert reason.startswith("gateway instance edge-1")
    assert reason.endswith(": route: too long")


def test_a_rejection_is_final_unless_waived() -> None:
    """One instance's no ends the wait; a waived instance's no does not count."""
    told = _told({"edge-1": Acknowledgement.APPLIED, "edge-2": Acknowledgement.REJECTED})
    assert is_rejected(told)
    assert not is_rejected(told, ["edge-2"])
    assert not is_rejected([])


def test_nothing_asked_is_nothing_seen() -> None:
    """No answer proves nothing."""
    assert why_not_seen([], EPOCH, {"mec-b": 100}) == "nothing was asked"


@given(
    st.integers(min_value=1, max_value=20),
    st.integers(min_value=0, max_value=19),
    st.sampled_from(["failure", "epoch", "side", "none"]),
)
def test_one_wrong_answer_among_many_is_enough(count: int, place: int, wrong: str) -> None:
    """A failure, an older epoch, the other side, or no side at all in one answer: not live."""
    answers = _answers(*["mec-b"] * count)
    assert why_not_seen(answers, EPOCH, {"mec-a": 0, "mec-b": 100}) is None
    changes: dict[str, dict[str, str | None]] = {
        "failure": {"failure": "status 503"},
        "epoch": {"epoch": "rel-1.1.3"},
        "side": {"side": "mec-a"},
        "none": {"side": None},
    }
    answers[place % count] = answers[place % count].model_copy(update=changes[wrong])
    assert why_not_seen(answers, EPOCH, {"mec-a": 0, "mec-b": 100}) is not None


def test_the_reason_says_what_was_seen() -> None:
    """Each reason names the instance and what came back."""
    weights = {"mec-a": 0, "mec-b": 100}
    assert why_not_seen(_answers("mec-b", epoch="old"), EPOCH, weights) == "edge-1 still answers with epoch old"
    assert why_not_seen(_answers("mec-a"), EPOCH, weights) == "edge-1 answered from mec-a, not from mec-b"
    failed = [Answer(instance="edge-1", failure="status 503")]
    assert why_not_seen(failed, EPOCH, weights) == "edge-1: status 503"


@pytest.mark.parametrize(
    ("on_b", "fits"), [(20, True), (32, True), (8, True), (36, False), (4, False), (0, False), (40, False)]
)
def test_a_middle_steps_share_is_told_from_chance(on_b: int, fits: bool) -> None:
    """At 50 % of 40 answers, four standard deviations (12.6) and one answer are chance; more is not."""
    answers = _answers(*["mec-b"] * on_b, *["mec-a"] * (40 - on_b))
    assert (why_not_seen(answers, EPOCH, {"mec-a": 50, "mec-b": 50}) is None) == fits


@given(st.integers(min_value=1, max_value=99))
def test_a_middle_step_accepts_exactly_its_weight(weight: int) -> None:
    """A share that equals the weight is never refused."""
    answers = _answers(*["mec-b"] * weight, *["mec-a"] * (100 - weight))
    assert why_not_seen(answers, EPOCH, {"mec-a": 100 - weight, "mec-b": weight}) is None


def test_a_failure_of_this_very_write_is_no_lag() -> None:
    """Only an answer that both fails and carries the write's epoch says that waiting will not help."""
    failed = {"failure": "status 500"}
    ours, older = (_answers("mec-b", epoch=epoch)[0].model_copy(update=failed) for epoch in (EPOCH, "rel-1.1.3"))
    unmarked = Answer(instance="edge-1", failure="connection refused")
    assert is_failing([*_answers("mec-b"), ours], EPOCH)
    for answers in ([], _answers("mec-b"), [older], [unmarked]):
        assert not is_failing(answers, EPOCH)


@pytest.mark.parametrize("unproven", [True, False])
def test_what_an_adapter_can_prove_is_never_waived(unproven: bool) -> None:
    """`unproven: allow` waives acknowledgements only where there can be none."""
    assert not is_waived({Rung.WRITTEN, Rung.ACKNOWLEDGED}, unproven=unproven)
    assert is_waived({Rung.WRITTEN}, unproven=unproven) == unproven
