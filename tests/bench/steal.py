# SPDX-License-Identifier: Apache-2.0
"""What a virtual machine's host took of its processors' time: `steal` in /proc/stat (proc(5))."""

from collections.abc import Sequence
from pathlib import Path

STAT = Path("/proc/stat")
STEAL, GUEST = 7, 8
"""Places in the line `cpu`; guest time, which begins at `GUEST`, is counted in user time already."""


class Steal:
    """Measures from when it is made."""

    def __init__(self) -> None:
        """Begin."""
        self._began = _times()

    def share(self) -> float:
        """Of all processors' time since then, between 0 and 1."""
        passed = [now - then for then, now in zip(self._began, _times(), strict=True)]
        return passed[STEAL] / max(1, sum(passed))


def _times() -> Sequence[int]:
    """Ticks of all processors since boot, by kind."""
    first, *_ = STAT.read_text(encoding="ascii").splitlines()
    return [int(number) for number in first.split()[1 : 1 + GUEST]]
