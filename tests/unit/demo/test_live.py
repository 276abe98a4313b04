# SPDX-License-Identifier: Apache-2.0
"""The live sums."""

import json
from pathlib import Path

from hypothesis import given, strategies as st

from relocate.demo.traffic.latency import quantile
from relocate.demo.traffic.live import Display, Sums
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Outcome, Record


def test_sums_are_by_protocol_and_by_the_cluster_that_answered() -> None:
    """And start anew at each look, but for the total."""
    sums = Sums()
    for latency in (1.0, 2.0, 9.0):
        sums.add(Protocol.HTTP1, Record(0, 0, 0, latency, Outcome.RIGHT, "a", "mec-a"))
    sums.add(Protocol.GRPC, Record(0, 0, 0, 3.0, Outcome.FAILED))
    first, second = sums.take(1_500_000_000, 4), sums.take(2_500_000_000, 0)
    assert first["protocols"] == {
        "http1": {"sent": 3, "right": 3, "lost": 0, "wrong": 0},
        "grpc": {"sent": 1, "right": 0, "lost": 1, "wrong": 0},
    }
    assert first["clusters"]["mec-a"] == {"sent": 3, "right": 3, "lost": 0, "wrong": 0, "p50_ms": 2.0, "p99_ms": 9.0}
    assert first["clusters"]["none"]["lost"] == 1
    assert (first["at"], first["outstanding"]) == (1.5, 4)
    assert second["sent"] == 0
    assert second["total"] == {"sent": 4, "right": 3, "lost": 1, "wrong": 0}


async def test_a_line_that_cannot_be_delivered_is_counted_and_kept(tmp_path: Path) -> None:
    """Port 1 takes nothing; the file has every line, and the next one says how many were not delivered."""
    path = tmp_path / "seconds.jsonl"
    display = Display(path, "http://127.0.0.1:1/traffic")
    await display.show({"at": 1})
    await display.show({"at": 2})
    await display.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"at": 1, "undelivered": 0}, {"at": 2, "undelivered": 1}]


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(min_value=0, max_value=1))
def test_a_quantile_is_a_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    """And it is one of the values."""
    ordered = sorted(values)
    found = quantile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
