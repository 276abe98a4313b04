# SPDX-License-Identifier: Apache-2.0
"""No state in which an invariant is broken can be reached within the bounds; what the search says of itself is true."""

import pytest

from tests.modelcheck.bounds import Bounds
from tests.modelcheck.configurations import SMALL, UNPROVABLE
from tests.modelcheck.fingerprint import fingerprint
from tests.modelcheck.machine import Machine
from tests.modelcheck.mutants import MUTANTS
from tests.modelcheck.mutation import applied
from tests.modelcheck.search import Search


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bounds", SMALL, ids=lambda bounds: bounds.name)
def test_no_invariant_is_broken_in_any_state_within_the_bounds(bounds: Bounds) -> None:
    """The search comes to its end, having seen more than the plain run, and found nothing."""
    found = Search(bounds).run()
    assert found.violation is None, str(found.violation)
    assert found.exhaustive
    assert found.states > Search(Bounds("nothing happens", mute=bounds.mute)).run().states
    assert ("completed" in found.ends) is (bounds is not UNPROVABLE)


def test_a_search_that_is_broken_off_does_not_call_itself_exhaustive() -> None:
    """Only what was searched to its end is claimed."""
    found = Search(SMALL[0]).run(most=3)
    assert (found.executions, found.exhaustive, found.violation) == (3, False, None)


def test_a_violation_is_told_in_words_and_by_a_path_that_repeats_it() -> None:
    """Whoever reads it knows what happened when, and can have it again."""
    mutant = next(one for one in MUTANTS if one.name == "back to a side that is not healthy")
    with applied(mutant):
        first, again = Search(mutant.bounds).run().violation, Search(mutant.bounds).run().violation
    assert first is not None
    assert again is not None
    assert (first.path, first.trace) == (again.path, again.trace)
    assert any(step.startswith("the source is sick (in ") for step in first.trace)


def test_the_same_choices_lead_to_the_same_state_and_others_to_another() -> None:
    """The workflow is deterministic here, and a state is known by what can still make a difference."""
    plain, same, other = Machine(SMALL[0]), Machine(SMALL[0]), Machine(SMALL[0])
    for machine in (plain, same, other):
        for _ in range(6):
            machine.take(machine.options()[0])
    assert fingerprint(plain) == fingerprint(same) == fingerprint(other)
    other.take(other.options()[0])
    assert fingerprint(plain) != fingerprint(other)
