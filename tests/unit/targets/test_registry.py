# SPDX-License-Identifier: Apache-2.0
from importlib.metadata import EntryPoint

import pytest

from relocate import targets
from relocate.errors import InvalidRequest
from relocate.targets.builtin import BuiltinSelector
from relocate.targets.http import HttpSelector


def test_installed_selectors_are_found():
    """Our own selectors are registered."""
    assert targets.load("builtin") is BuiltinSelector
    assert targets.load("http") is HttpSelector


def test_unknown_selector_names_those_that_exist():
    """An unknown selector gets an error that lists the installed ones."""
    with pytest.raises(InvalidRequest, match="'oracle' is not installed; installed are builtin, http"):
        targets.load("oracle")


@pytest.mark.parametrize("value", ["json:loads", "pathlib:Path"])
def test_strange_entry_point_is_refused(monkeypatch, value):
    """What is registered must be a selector class."""
    entry = EntryPoint(name="odd", value=value, group=targets.GROUP)
    monkeypatch.setattr(targets, "entry_points", lambda **_group: [entry])
    with pytest.raises(InvalidRequest, match=f"{value} is not a TargetSelector"):
        targets.load("odd")
