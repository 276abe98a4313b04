# SPDX-License-Identifier: Apache-2.0
"""What a crash or a frozen worker leaves in an honest record is no disagreement."""

import pytest

from relocate.evidence.samples import Removed, WrittenDocument
from relocate.model.relocation import Phase
from tests.evidence.forging import found, moved, of, rechained, recorded


@pytest.mark.parametrize("name", ["completed", "rolled-back", "settled", "forced-drain"])
def test_an_activity_that_was_done_twice_says_everything_twice(name: str) -> None:
    """Its worker died before it could answer, and another one did it again."""
    record = recorded(name)
    twice = [entry for entry in record.entries for _ in range(2)]
    assert found(rechained(record, twice)) == ""


def test_a_repeat_of_the_last_write_that_is_told_late_changes_nothing() -> None:
    """A worker that stood still wakes up after the last look, and tells of the write that another one has proven."""
    record = recorded("completed")
    last, removed = of(record, WrittenDocument)[-1], of(record, Removed)[-1]
    entries = list(record.entries)
    entries.insert(removed.seq - 1, last.entry)
    assert found(rechained(record, entries)) == ""


def test_a_repeat_that_is_told_after_everything_was_undone_changes_nothing() -> None:
    """A worker that stood still wakes up when nothing is left to do (met in a drill)."""
    record = recorded("rolled-back")
    forward = of(record, WrittenDocument, lambda entry: entry.claim.phase is Phase.SWITCH)[0]
    assert found(rechained(record, [*record.entries, forward.entry])) == ""


def test_a_write_that_is_told_only_after_its_undo_was_made_before_it() -> None:
    """Its fence and its version are older: the way back asked whether the source was healthy after it."""
    record = recorded("rolled-back")
    writes = of(record, WrittenDocument, lambda entry: entry.claim.phase is Phase.SWITCH)
    forward, back = writes[0], writes[-1]
    late = moved(record, forward, before=of(record, Removed)[-1])
    assert [entry.seq for entry in of(late, WrittenDocument)][-1] > back.seq
    assert found(late) == ""
