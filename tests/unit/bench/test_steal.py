# SPDX-License-Identifier: Apache-2.0
"""What a host takes of its machine's processors' time."""

from pathlib import Path

import pytest

from tests.bench import steal


def test_what_was_taken_is_told_as_a_share_of_all_time_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guest time stands in user time too, and counts once; what was taken before does not count."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 800 0 0 0 40 7 0\ncpu0 1 2 3\n", encoding="ascii")
    monkeypatch.setattr(steal, "STAT", stat)
    measured = steal.Steal()
    stat.write_text("cpu  150 0 60 830 0 0 0 50 57 0\ncpu0 1 2 3\n", encoding="ascii")
    assert measured.share() == pytest.approx(0.1)
