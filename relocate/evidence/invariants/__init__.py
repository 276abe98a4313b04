# SPDX-License-Identifier: Apache-2.0
"""What must hold over a whole record, whatever happened: the design's invariants, as far as a record shows them."""

from collections.abc import Sequence

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.invariants import ending, fences, raising, removing
from relocate.evidence.invariants.story import Story
from relocate.evidence.record import Record
from relocate.model.chain import broken_link

ALL = (fences.broken, raising.broken, removing.broken, ending.broken)


def why_not_kept(record: Record) -> Sequence[Disagreement]:
    """What in this record breaks an invariant; empty if all are kept. Works on a relocation that still runs, too."""
    story = Story(record)
    return [*_chain(record), *(found for invariant in ALL for found in invariant(story))]


def _chain(record: Record) -> Sequence[Disagreement]:
    strangers = [entry for entry in record.entries if entry.relocation != record.relocation]
    if strangers:
        says = f"it is of relocation {record.relocation}"
        return [Disagreement(entry=strangers[0].seq, says=says, follows=f"it is of {strangers[0].relocation}")]
    broken = broken_link(record.entries)
    if broken is None:
        return []
    says = "it follows from the entry before"
    return [
        Disagreement(entry=broken, says=says, follows="its digest is another one: it was changed, moved or left out")
    ]
