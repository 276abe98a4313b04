# SPDX-License-Identifier: Apache-2.0
"""The record file: what is written is read back, also after a kill in the middle of a line."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from relocate.demo.traffic.record import Event, Outcome, Record, RecordFile, Recording, read_recording
from tests.unit.demo.doubles import TABLE

NAMES = st.none() | st.text(max_size=20)
RECORDS = st.builds(
    Record,
    timetable=st.just(0),
    slot=st.integers(min_value=0),
    due_ns=st.integers(min_value=0),
    latency_ms=st.none() | st.floats(min_value=0, allow_infinity=False),
    outcome=st.sampled_from(Outcome),
    instance=NAMES,
    cluster=NAMES,
    side=NAMES,
    error=NAMES,
)


def write(path: Path, records: list[Record]) -> None:
    """A closed file with these and an end."""
    file = RecordFile(path, [TABLE])
    for record in records:
        file.add(record)
    file.add_event(Event("end", 7))
    file.close()


@given(st.lists(RECORDS, max_size=5))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    """All of it, line breaks in names included."""
    path = tmp_path_factory.mktemp("records") / "records.jsonl"
    write(path, records)
    assert read_recording(path) == Recording((TABLE,), tuple(records), (Event("end", 7),))


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    """The request is then missing, not misread."""
    path = tmp_path / "records.jsonl"
    write(path, [Record(0, slot, 0, 1.0, Outcome.RIGHT) for slot in range(3)])
    path.write_text(path.read_text().rsplit('{"event"', 1)[0][:-9])
    assert [record.slot for record in read_recording(path).records] == [0, 1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: must be the heading"),
        ('{"format":"else"}\n', "line 1: must be the heading"),
        ("[1]\n", "line 1: must be the heading"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    """With the line that is wrong."""
    path = tmp_path / "records.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint):
        read_recording(path)


@pytest.mark.parametrize("line", ["[1,2]", '{"what":1}', "3", "nonsense", '[0,0,0,1,"lost",null,null,null,null]'])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    """In the middle of a file it is no cut-off line, but an error."""
    path = tmp_path / "records.jsonl"
    RecordFile(path, [TABLE]).close()
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match="line 2"):
        read_recording(path)
