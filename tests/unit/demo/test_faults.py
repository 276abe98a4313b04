# SPDX-License-Identifier: Apache-2.0
"""When a fault strikes, and what is said about one that does not exist."""

from datetime import UTC, datetime

import pytest

from relocate.demo.faults import BY_KEY, FAULTS, named
from relocate.errors import InvalidRequest
from relocate.model.relocation import Overrides, Phase, RelocationRequest, Status, Step, View


def view(phase: Phase, target: int, status: Status = Status.RUNNING, *, over: bool = False) -> View:
    """A relocation in this phase, with this weight on the target."""
    return View(
        id="rel-1",
        application="navigator",
        status=status,
        phase=phase,
        source="mec-a",
        target="mec-b",
        request=RelocationRequest(application="navigator"),
        steps=tuple(Step(phase=each) for each in Phase),
        weights={"mec-a": 100 - target, "mec-b": target},
        point_of_no_return=over,
        created_at=datetime.now(UTC),
    )


def test_an_unknown_name_lists_those_there_are() -> None:
    """So that `--fault` explains itself."""
    with pytest.raises(InvalidRequest, match="nothing is called nonsense") as raised:
        named("nonsense")
    assert all(f"  {name}: " in str(raised.value) for name in FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_asks_for_a_move_that_is_accepted(name: str) -> None:
    """Its options are options of a request."""
    assert Overrides.model_validate(dict(named(name).options))


@pytest.mark.parametrize(("target", "due"), [(0, False), (50, True), (100, False)])
def test_the_middle_of_a_switch_is_when_both_sides_have_weight(target: int, due: bool) -> None:
    """Neither before nor after."""
    assert FAULTS["b-dies-in-switch"].due(view(Phase.SWITCH, target)) is due


@pytest.mark.parametrize("fault", [fault for fault in FAULTS.values() if fault.strike], ids=lambda fault: fault.name)
@pytest.mark.parametrize("phase", Phase)
def test_nothing_strikes_on_the_way_back(fault: object, phase: Phase) -> None:
    """An undo is not the move that the fault is about."""
    assert not fault.due(view(phase, 50, Status.UNDOING))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("phase", "target", "over", "due"),
    [
        (Phase.READY, 0, False, False),
        (Phase.SWITCH, 0, False, False),
        (Phase.SWITCH, 50, False, True),
        (Phase.BAKE, 100, False, True),
        (Phase.DRAIN, 100, False, True),
        (Phase.TEARDOWN, 100, False, False),
        (Phase.DRAIN, 100, True, False),
    ],
)
def test_the_key_kills_the_target_only_while_the_source_is_whole(
    phase: Phase, target: int, over: bool, due: bool
) -> None:
    """Before, nobody uses the target; after, nobody could take over."""
    assert BY_KEY.due(view(phase, target, over=over)) is due
