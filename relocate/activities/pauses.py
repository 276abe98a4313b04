# SPDX-License-Identifier: Apache-2.0
"""How long to wait between two looks: short at first, as most things are quick, and then as long as is polite."""

from collections.abc import Iterator

FIRST_SECONDS = 0.01
GROWTH = 1.5


def pauses(longest: float, *, first: float = FIRST_SECONDS, growth: float = GROWTH) -> Iterator[float]:
    """Pauses without end, in seconds, each longer than the one before up to `longest`.

    With a growth of 1.1 what happens is seen at most a tenth of the time late that it has taken.
    """
    pause = first
    while True:
        yield min(pause, longest)
        pause *= growth
