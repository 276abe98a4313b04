# SPDX-License-Identifier: Apache-2.0
"""Each named mistake in the code that decides is caught by the search, by the invariant that it breaks."""

from dataclasses import replace

import pytest

from tests.modelcheck.mutants import MUTANTS
from tests.modelcheck.mutation import Mutant, applied
from tests.modelcheck.search import Search

MOST = 3000
"""Executions within which each mutant has to be caught."""


def test_there_are_enough_mutants_and_no_two_of_a_name() -> None:
    """At least thirty, as the issue asks."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant) -> None:
    """With the mistake the search finds a state that must not be; the invariant broken there is the one expected."""
    with applied(mutant):
        found = Search(mutant.bounds).run(MOST)
    assert found.violation is not None, f"{mutant.name} survived {found.executions} executions"
    assert found.violation.broken.invariant == mutant.breaks, str(found.violation)


def test_a_mistake_is_undone_afterwards() -> None:
    """The code is as it was: the search that caught a mutant finds nothing without it."""
    mutant = next(one for one in MUTANTS if one.name == "teardown without proof")
    with applied(mutant):
        assert Search(mutant.bounds).run(MOST).violation is not None
    assert Search(mutant.bounds).run(MOST).violation is None


def test_a_mutant_whose_text_is_not_there_is_an_error() -> None:
    """A mutant that changes nothing would be called caught, or survive, for no reason."""
    mutant = replace(MUTANTS[0], old="this stands nowhere")
    with pytest.raises(LookupError, match="stands 0 times"), applied(mutant):
        pass
