# SPDX-License-Identifier: Apache-2.0
"""A UE moves by a line."""

import json

import pytest

from relocate.demo.traffic.control import move
from tests.unit.demo.doubles import Desk


def test_a_line_moves_its_ue_and_is_recorded() -> None:
    """From the next request on."""
    desk = Desk()
    desk.now_ns = 5
    move(desk.run, '{"ue": "ue-1", "cell": "cell-b"}')
    assert desk.run.cells == {"ue-1": "cell-b"}
    assert [(event.event, event.at_ns, json.loads(event.text)["cell"]) for event in desk.events] == [
        ("cell", 5, "cell-b")
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"ue": "ue-2", "cell": "cell-b"}', "ue: must be one of ue-1"),
        ('{"ue": "ue-1"}', "cell"),
        ('{"ue": "ue-1", "cell": "b", "speed": 3}', "speed"),
        ("cell-b", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
    ],
)
def test_a_line_that_makes_no_sense_changes_nothing(line: str | bytes, complaint: str) -> None:
    """And says what is allowed."""
    desk = Desk()
    with pytest.raises(ValueError, match=complaint):
        move(desk.run, line)
    assert desk.run.cells == {"ue-1": "cell-a"}
    assert desk.events == []
