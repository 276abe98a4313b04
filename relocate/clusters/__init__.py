# SPDX-License-Identifier: Apache-2.0
"""Cluster drivers: where instances run. `contract` says what a driver is; the other modules are drivers.

A driver is found by its name in the entry-point group `relocate.clusters`, so a stranger's driver needs no change here.
"""

from importlib.metadata import entry_points

from relocate.clusters.contract import ClusterDriver
from relocate.errors import InvalidRequest

GROUP = "relocate.clusters"


def load(kind: str) -> type[ClusterDriver]:
    """The driver class of this kind.

    Raises:
        InvalidRequest: no such kind is installed, or what is installed is no cluster driver; the text names those
            that exist.
    """
    installed = entry_points(group=GROUP)
    if kind not in installed.names:
        raise InvalidRequest(
            f"driver: {kind!r} is unknown; there are {', '.join(sorted(installed.names))}", field="driver"
        )
    found = installed[kind].load()
    if not (isinstance(found, type) and issubclass(found, ClusterDriver)):
        raise InvalidRequest(f"driver: {kind!r} is installed but is no ClusterDriver", field="driver")
    return found
