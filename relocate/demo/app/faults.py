# SPDX-License-Identifier: Apache-2.0
"""Faults for drills, asked for by `POST /fault?name=value&...`.

==================  ======================================================================
`error_share=0.5`   this share of requests is answered 500, or gRPC INTERNAL; 0 ends it
`delay_ms=200`      every answer comes this much later; 0 ends it
`never_ready=1`     back to warming up, for ever
`exit=3`            the process ends at once with this status, after this answer
`freeze=10`         nothing is answered for this many seconds, connections stay open
==================  ======================================================================
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from relocate.demo.app.life import Life

SOON = 0.05
"""Seconds until an exit or a freeze, so that the answer to the one who asked gets out."""


class BadFault(ValueError):
    """The fault asked for makes no sense; the text says what is allowed."""


def inject(life: Life, wanted: Mapping[str, str]) -> None:
    """Break what is wanted; all of it is checked before any of it is done.

    Raises:
        BadFault: an unknown name, or a value outside its range; nothing was changed.
    """
    if not wanted:
        raise BadFault(f"name a fault: {', '.join(_FAULTS)}")
    for name, value in wanted.items():
        _checked(name, value)
    for name, value in wanted.items():
        _FAULTS[name][1](life, float(value))


def _checked(name: str, value: str) -> None:
    if name not in _FAULTS:
        raise BadFault(f"{name}: is no fault; there are {', '.join(_FAULTS)}")
    limit = _FAULTS[name][0]
    try:
        fine = 0 <= float(value) <= limit
    except ValueError:
        fine = False
    if not fine:
        raise BadFault(f"{name}: must be a number from 0 to {limit:g}")


def _error_share(life: Life, share: float) -> None:
    life.faults.error_share = share


def _delay(life: Life, milliseconds: float) -> None:
    life.faults.delay = milliseconds / 1000


def _never_ready(life: Life, _: float) -> None:
    life.warm = False


def _exit(_: Life, status: float) -> None:
    asyncio.get_running_loop().call_later(SOON, os._exit, int(status))


def _freeze(_: Life, seconds: float) -> None:
    asyncio.get_running_loop().call_later(SOON, time.sleep, seconds)


_FAULTS: Mapping[str, tuple[float, Callable[[Life, float], None]]] = {
    "error_share": (1, _error_share),
    "delay_ms": (60_000, _delay),
    "never_ready": (1, _never_ready),
    "exit": (255, _exit),
    "freeze": (3600, _freeze),
}
"""By name: the largest value, and what it does."""
