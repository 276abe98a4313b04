# SPDX-License-Identifier: Apache-2.0
"""One execution as a story: what happens out of the ordinary is named in words, all else goes as when all is well."""

from typing import NamedTuple

from tests.modelcheck.bounds import Bounds
from tests.modelcheck.machine import Machine

PLENTY = 9
LONGEST = 2000


class Then(NamedTuple):
    """Something that happens, at the first moment that fits."""

    when: str
    """What the run is doing (`Machine.doing`) begins with this."""
    happens: str
    """What the option says begins with this."""


def anything(name: str, **changes: object) -> Bounds:
    """Bounds in which everything may happen, for a story that says what does."""
    most = dict.fromkeys(("crash", "late", "expiry", "event", "cancel", "hold", "answer"), PLENTY)
    return Bounds(name, **{**most, **changes})


def tell(bounds: Bounds, *story: Then) -> Machine:
    """The execution at its end, or where it waits for people and the story says no more.

    Raises:
        Broken: an invariant does not hold on the way.
        AssertionError: the story cannot be told.
    """
    machine, left = Machine(bounds), list(story)
    for _ in range(LONGEST):
        machine.check()
        options = machine.options()
        if left and machine.doing.startswith(left[0].when):
            found = next((one for one in options if one.says.startswith(left[0].happens)), None)
            if found is not None:
                left.pop(0)
                machine.take(found)
                continue
        plain = next((one for one in options if not one.says or one.says.startswith(GOES_ON)), None)
        if plain is None:
            break
        machine.take(plain)
    assert not left, f"it did not come to: {left[0]}; it was {machine.status}, {machine.doing}"
    return machine


GOES_ON = ("steer is tried", "remove is tried", "the next relocation")
"""What happens by itself, though it is said."""
