# SPDX-License-Identifier: Apache-2.0
"""Garbage is collected when a loop of executions says so: left to itself, Python looks through everything far too often."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_by_hand() -> Iterator[None]:
    """In the block only `gc.collect` collects, and does not look at what was there before."""
    collects = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if collects:
            gc.enable()
