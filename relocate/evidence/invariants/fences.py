# SPDX-License-Identifier: Apache-2.0
"""Fences rise: a stale writer changes nothing (invariant 5)."""

import itertools
from collections.abc import Iterator

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.invariants.story import Story
from relocate.evidence.record import Read
from relocate.evidence.samples import WrittenDocument

Write = tuple[Read, WrittenDocument]


def broken(story: Story) -> Iterator[Disagreement]:
    """Writes of one route whose fences and versions do not rise together, or one fence that wrote two documents."""
    for place in story.places:
        for earlier, later in itertools.pairwise(story.writes(place)):
            why = _why_not_rising(earlier, later)
            if why is not None:
                fence = later[1].fence
                says = f"fence {fence.lease}.{fence.sequence} wrote route {place[1]} at {place[0]}"
                yield Disagreement(entry=later[0].seq, says=says, follows=why)


def _why_not_rising(earlier: Write, later: Write) -> str | None:
    """Both in the order of their fences. A repeat of the same write is fine, and an attempt may be told late."""
    before, after = earlier[1], later[1]
    if before.fence == after.fence:
        same = before.document == after.document
        return None if same else f"entry {earlier[0].seq} wrote something else under the same fence"
    if before.document.epoch == after.document.epoch:
        return f"entry {earlier[0].seq} wrote the same epoch under another fence"
    if _came_first(earlier, later):
        return None
    return f"entry {earlier[0].seq} wrote a later version under an older fence"


def _came_first(earlier: Write, later: Write) -> bool:
    """Versions are an adapter's own; ours are numbers. Others are told in the order of the record."""
    versions = earlier[1].version, later[1].version
    if all(version.isdecimal() for version in versions):
        return int(versions[0]) < int(versions[1])
    return earlier[0].seq < later[0].seq
