# SPDX-License-Identifier: Apache-2.0
"""Single keys from the terminal, without Enter; the terminal is always given back as it was."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[bool]:
    """Call `pressed` with each key while the block runs. Yields whether there is a terminal that is ours to read."""
    terminal = _terminal()
    if terminal is None:
        yield False
        return
    loop, before = asyncio.get_running_loop(), termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    loop.add_reader(terminal, lambda: pressed(os.read(terminal, 1).decode(errors="replace")))
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _terminal() -> int | None:
    """Standard input, if it is a terminal and we are in its foreground: others are stopped when they change it."""
    if not sys.stdin.isatty():
        return None
    terminal = sys.stdin.fileno()
    return terminal if os.tcgetpgrp(terminal) == os.getpgrp() else None
