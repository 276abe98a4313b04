# SPDX-License-Identifier: Apache-2.0
"""JSON as Go reads and writes it."""

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from relocate.emco.go import nanoseconds
from relocate.emco.spec import ActivityOptions, RetryPolicy, TemporalSpec, WorkflowParams


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0),
        ("60s", 60 * 10**9),
        ("1h30m", 5400 * 10**9),
        ("1.5ms", 1_500_000),
        (".5s", 500_000_000),
        ("5.s", 5 * 10**9),
        ("1us", 1000),
        ("1\u00b5s", 1000),
        ("1\u03bcs", 1000),
        ("-2m3s", -123 * 10**9),
    ],
)
def test_durations_are_read_as_go_does(text: str, wanted: int) -> None:
    """Every form of `time.ParseDuration`."""
    assert nanoseconds(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "60", "s", "1 s", "1d", "1s ", "--1s", "1e3s", "\u0661s", "1h-3m", "292y", "9223372037s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With what is meant."""
    with pytest.raises(ValueError, match=r"is no duration|is longer"):
        nanoseconds(text)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_number_of_nanoseconds_is_read(number: int) -> None:
    """None is rounded, whatever its size."""
    assert nanoseconds(f"{number}ns") == number


def test_a_map_of_nothing_is_left_out() -> None:
    """As `omitempty` does; what a map holds as null is the zero of its type."""
    assert WorkflowParams.model_validate({"activityOptions": {}, "activityParams": None}).payload() == b"{}"
    params = WorkflowParams.model_validate({"activityParams": {"all-activities": {"a": None}, "more": None}})
    assert params.payload() == b'{"activityParams":{"all-activities":{"a":""},"more":{}}}'


def test_numbers_are_written_as_go_does() -> None:
    """A whole one without a point."""
    written = [RetryPolicy.model_validate({"BackoffCoefficient": number}).model_dump_json() for number in (0, 2.0, 1.5)]
    assert [text.split('"BackoffCoefficient":')[1].split(",")[0] for text in written] == ["0", "2", "1.5"]


@pytest.mark.parametrize(
    "given",
    [
        {"HeartbeatTimeout": 1.0},
        {"HeartbeatTimeout": True},
        {"HeartbeatTimeout": 2**63},
        {"WaitForCancellation": 1},
        [],
    ],
)
def test_types_are_gos(given: object) -> None:
    """No number with a point is a whole one, no one is true."""
    with pytest.raises(ValidationError):
        ActivityOptions.model_validate(given)


def test_two_spellings_of_a_key_are_refused() -> None:
    """Go takes the last one, and nobody knows which was meant."""
    with pytest.raises(ValidationError, match="TaskQueue stands twice"):
        TemporalSpec.model_validate({"workflowStartOptions": {"TaskQueue": "a", "taskQueue": None}})
