# SPDX-License-Identifier: Apache-2.0
"""The model check by command: larger searches, and any number of seeded schedules."""

import argparse
import os
import sys
import time
from collections.abc import Iterable

from tests.modelcheck.bounds import KINDS, Bounds
from tests.modelcheck.configurations import LARGE, PLAYED, SMALL
from tests.modelcheck.schedules import play
from tests.modelcheck.search import Search
from tests.modelcheck.shards import tallies

TOLD_EVERY = 10_000
say = print
"""A command speaks."""


def main() -> int:
    """0: no invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.modelcheck", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    searching = commands.add_parser("search", help="every state within bounds")
    searching.add_argument("which", nargs="?", default="small", help="small, large, all, or a part of a name")
    searching.add_argument("--most", type=int, help="executions of each search; then it is not exhaustive")
    searching.add_argument("--list", action="store_true", help="only name the searches with their bounds")
    playing = commands.add_parser("schedules", help="choices drawn by lot")
    playing.add_argument("number", type=int, nargs="?", default=10_000)
    playing.add_argument("--seed", type=int, default=1, help="of the first one; the next has the next seed")
    playing.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many play at a time")
    playing.add_argument("--tell", action="store_true", help="tell each schedule in words, one after the other")
    said = parser.parse_args()
    if said.command == "schedules":
        seeds = range(said.seed, said.seed + said.number)
        return _tell(seeds) if said.tell else _play(seeds, said.processes)
    wanted = {"small": SMALL, "large": LARGE, "all": SMALL + LARGE}.get(said.which)
    found = wanted or tuple(one for one in SMALL + LARGE if said.which in one.name)
    return _list(found) if said.list else _search(found, said.most)


def _list(configurations: Iterable[Bounds]) -> int:
    for bounds in configurations:
        limits = ", ".join(f"{kind} {getattr(bounds, kind)}" for kind in KINDS if getattr(bounds, kind))
        say(f"{bounds.name}: {limits}")
    return 0


def _search(configurations: Iterable[Bounds], most: int | None) -> int:
    say(f"{'states':>9} {'transitions':>12} {'executions':>11} {'seconds':>8}  search")
    for bounds in configurations:
        began = time.process_time()
        found = Search(bounds).run(most)
        seconds = time.process_time() - began
        how = "exhaustive" if found.exhaustive else "NOT exhaustive"
        say(
            f"{found.states:9} {found.transitions:12} {found.executions:11} {seconds:8.1f}  {bounds.name} ({how})",
            flush=True,
        )
        if found.violation is not None:
            say(found.violation)
            return 1
    return 0


def _play(seeds: range, processes: int) -> int:
    told, broken = 0, 0
    for so_far in tallies(seeds, processes):
        for seed in so_far.broken[broken:]:
            say(play(seed, PLAYED))
            say(f"again: python -m tests.modelcheck schedules 1 --seed {seed} --tell", flush=True)
        broken = len(so_far.broken)
        if so_far.number - told >= TOLD_EVERY or so_far.number == len(seeds):
            told, each = so_far.number, so_far.seconds / so_far.number * 1000
            ends = ", ".join(f"{how} {number}" for how, number in so_far.ends.most_common())
            say(f"{told} schedules, {broken or 'none'} broken, {each:.2f} ms of a processor each: {ends}", flush=True)
    return 1 if broken else 0


def _tell(seeds: range) -> int:
    for seed in seeds:
        schedule = play(seed, PLAYED, tell=True)
        say(schedule)
        if schedule.broken is not None:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
