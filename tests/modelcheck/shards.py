# SPDX-License-Identifier: Apache-2.0
"""Many schedules, in several processes: each plays a shard of the seeds, and all that is told of a shard is what it came to."""

import gc
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.modelcheck.configurations import PLAYED
from tests.modelcheck.garbage import collected_by_hand
from tests.modelcheck.schedules import play

SHARD = 500
"""Schedules of a shard."""
ENOUGH = 10
"""Broken schedules after which no further shard is played."""
COLLECT = 10
"""Schedules between two collections of what they left: few, so that it is all still in the processor's cache."""


@dataclass
class Tally:
    """What some schedules came to."""

    number: int = 0
    seconds: float = 0.0
    """Of one processor."""
    ends: Counter[str] = field(default_factory=Counter)
    """How often they ended how."""
    broken: list[int] = field(default_factory=list)
    """Seeds of those that broke an invariant."""

    def add(self, other: "Tally") -> None:
        """Count others in."""
        self.number += other.number
        self.seconds += other.seconds
        self.ends += other.ends
        self.broken += other.broken


def tallies(seeds: range, processes: int) -> Iterator[Tally]:
    """Play them all, until enough have broken an invariant; yields how far it has come after each shard, in their order."""
    shards = [seeds[begin : begin + SHARD] for begin in range(0, len(seeds), SHARD)]
    whole = Tally()
    with _played(shards, processes) as played:
        for one in played:
            whole.add(one)
            yield whole
            if len(whole.broken) >= ENOUGH:
                return


@contextmanager
def _played(shards: list[range], processes: int) -> Iterator[Iterator[Tally]]:
    if processes == 1:
        yield map(play_shard, shards)
        return
    pool = ProcessPoolExecutor(processes)
    try:
        yield pool.map(play_shard, shards)
    finally:
        pool.shutdown(cancel_futures=True)


def play_shard(seeds: range) -> Tally:
    """Play some schedules one after the other."""
    began, tally = time.process_time(), Tally()
    with collected_by_hand():
        for seed in seeds:
            schedule = play(seed, PLAYED)
            tally.number += 1
            tally.ends[schedule.outcome] += 1
            if schedule.broken is not None:
                tally.broken.append(seed)
            if tally.number % COLLECT == 0:
                gc.collect()
    tally.seconds = time.process_time() - began
    return tally
