# SPDX-License-Identifier: Apache-2.0
"""One execution as a story: what happens out of the ordinary is named in words, all else goes as when all is well."""

from tests.modelcheck.bounds import KINDS, Bounds, Then
from tests.modelcheck.machine import Machine

PLENTY = 9
LONGEST = 2000


def anything(name: str, **changes: object) -> Bounds:
    """Bounds in which everything may happen, for a story that says what does."""
    return Bounds(name, **{**dict.fromkeys(KINDS, PLENTY), **changes})


def begun(bounds: Bounds) -> Machine:
    """An execution within these bounds, right after the story that it begins with."""
    machine = Machine(bounds)
    if bounds.begins:
        machine.budget = [PLENTY] * len(KINDS)
        left = list(bounds.begins)
        while left and _goes_on(machine, left):
            pass
        _assert_told(machine, left)
        machine.budget = bounds.budget
    return machine


def tell(bounds: Bounds, *story: Then) -> Machine:
    """The execution at its end, or where it waits for people and the story says no more.

    Raises:
        Broken: an invariant does not hold on the way.
        AssertionError: the story cannot be told.
    """
    machine, left = Machine(bounds), list(story)
    for _ in range(LONGEST):
        machine.check()
        if not _goes_on(machine, left):
            break
    _assert_told(machine, left)
    return machine


def _goes_on(machine: Machine, left: list[Then]) -> bool:
    """Let the story's next thing happen when its moment has come, else what happens by itself; whether anything did."""
    options = machine.options()
    if left and machine.doing.startswith(left[0].when):
        found = next((one for one in options if one.says.startswith(left[0].happens)), None)
        if found is not None:
            left.pop(0)
            machine.take(found)
            return True
    plain = next((one for one in options if not one.says or one.says.startswith(GOES_ON)), None)
    if plain is None:
        return False
    machine.take(plain)
    return True


def _assert_told(machine: Machine, left: list[Then]) -> None:
    assert not left, f"it did not come to: {left[0]}; it was {machine.status}, {machine.doing}"


GOES_ON = ("steer is tried", "remove is tried", "the next relocation")
"""What happens by itself, though it is said."""
