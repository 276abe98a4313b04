# SPDX-License-Identifier: Apache-2.0
"""The probes, found by entry point in the group `readiness.probes`; strangers' probes register the same way."""

import functools
from importlib.metadata import EntryPoints, entry_points

from readiness.contract import Probe
from readiness.errors import UnknownProbe

GROUP = "readiness.probes"


@functools.cache
def load(kind: str) -> type[Probe]:
    """The probe registered as `kind`. What was found is remembered: to look costs more than to probe.

    Raises:
        UnknownProbe: none is installed under that name (the text names those that are), or it cannot be imported.
    """
    installed = entry_points(group=GROUP)
    if kind not in installed.names:
        raise UnknownProbe(
            f"kind: there is no probe {kind!r}; installed: {', '.join(sorted(installed.names)) or 'none'}"
        )
    found = _imported(kind, installed)
    if not (isinstance(found, type) and issubclass(found, Probe)):
        raise UnknownProbe(f"kind: what is installed as {kind!r} is not a readiness.contract.Probe")
    return found


def _imported(kind: str, installed: EntryPoints) -> object:
    try:
        return installed[kind].load()
    except (ImportError, AttributeError) as error:
        raise UnknownProbe(f"kind: the probe {kind!r} is installed and cannot be imported: {error}") from error
