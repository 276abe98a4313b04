# SPDX-License-Identifier: Apache-2.0
"""Drivers are found by entry point."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from relocate import clusters
from relocate.clusters.contract import ClusterDriver
from relocate.errors import InvalidRequest


@pytest.mark.parametrize("kind", ["process", "external", "memory"])
def test_each_driver_of_ours_is_found_by_its_kind(kind):
    """What is installed under the name is a cluster driver."""
    assert issubclass(clusters.load(kind), ClusterDriver)


def test_an_unknown_kind_names_those_that_exist():
    """The message helps whoever misspelt it."""
    with pytest.raises(
        InvalidRequest, match=r"'proces' is unknown; there are emco, external, kubernetes, memory, process"
    ) as error:
        clusters.load("proces")
    assert error.value.field == "driver"


def test_something_that_is_no_driver_is_refused(monkeypatch):
    """A stranger's package that registers something else is named."""
    stranger = EntryPoints([EntryPoint("odd", "pathlib:Path", clusters.GROUP)])
    monkeypatch.setattr(clusters, "entry_points", lambda group: stranger.select(group=group))
    with pytest.raises(InvalidRequest, match="'odd' is installed but is no ClusterDriver"):
        clusters.load("odd")
