# SPDX-License-Identifier: Apache-2.0
"""How long to wait between two looks: short at first, as most things are quick, and then as long as is polite."""

from collections.abc import Iterator

FIRST_SECONDS = 0.01
GROWTH = 1.5


def pauses(longest: float) -> Iterator[float]:
    """Pauses without end, in seconds, each longer than the one before up to `longest`."""
    pause = FIRST_SECONDS
    while True:
        yield min(pause, longest)
        pause *= GROWTH
