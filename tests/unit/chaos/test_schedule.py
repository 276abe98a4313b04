# SPDX-License-Identifier: Apache-2.0
"""The schedule is drawn from its seed and nothing else."""

from tests.chaos.schedule import (
    CHOICES,
    HOW_MANY,
    LONGEST_OF_A_WORKER,
    MOMENTS,
    SECONDS,
    STEPS,
    Deed,
    Strike,
    Victim,
    plan,
    plans,
)

MANY = 1500


def strikes() -> list[Strike]:
    """Of a run that is long enough to have met everything."""
    return [strike for one in plans(1, MANY) for strike in one.strikes]


def test_the_same_seed_gives_the_same_list() -> None:
    """So a failure can be repeated."""
    assert plans(7, 50) == plans(7, 50)
    assert plans(7, 50) != plans(8, 50)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    """And each relocation's plan depends on the seed and its own number alone."""
    assert plans(7, 50)[:20] == plans(7, 20)
    assert plan(7, 19) == plans(7, 20)[19]


def test_everything_that_can_be_drawn_is() -> None:
    """Every victim with every deed, every moment, every number of strikes, every way to switch."""
    assert {(one.victim, one.deed) for one in strikes()} == set(CHOICES)
    assert {one.moment for one in strikes()} == {str(moment) for moment in MOMENTS}
    assert {len(one.strikes) for one in plans(1, MANY)} == set(HOW_MANY)
    assert {one.steps for one in plans(1, MANY)} == set(STEPS)


def test_nothing_lasts_longer_than_its_bounds() -> None:
    """A freeze ends, a lock is let go, what was killed comes back."""
    for one in strikes():
        shortest, longest = SECONDS[one.deed]
        stays = one.victim is Victim.WORKER and one.deed is Deed.FREEZE
        assert shortest <= one.seconds <= (LONGEST_OF_A_WORKER if stays else longest)
        assert 0 <= one.after_seconds <= MOMENTS[one.moment][1]
