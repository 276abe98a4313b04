# SPDX-License-Identifier: Apache-2.0
"""Target selection: which cluster an application should move to, by our own rules or by somebody else's.

Selectors register by entry points in the group `relocate.targets`; `choosing.choose` asks one and guards its answer.
"""

from importlib.metadata import entry_points

from relocate.errors import InvalidRequest
from relocate.targets.contract import TargetSelector

GROUP = "relocate.targets"


def load(kind: str) -> type[TargetSelector]:
    """The selector class registered as `kind`.

    Raises:
        InvalidRequest: none is, or what is registered is no selector; the text names those that exist.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if kind not in found:
        known = ", ".join(sorted(found)) or "none"
        raise InvalidRequest(f"selector: {kind!r} is not installed; installed are {known}", field="selector")
    loaded = found[kind].load()
    if not (isinstance(loaded, type) and issubclass(loaded, TargetSelector)):
        raise InvalidRequest(f"selector: {found[kind].value} is not a TargetSelector", field="selector")
    return loaded
