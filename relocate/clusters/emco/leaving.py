# SPDX-License-Identifier: Apache-2.0
"""Is it gone: proven by what EMCO says of the contexts that had it, or on the cluster itself, and never assumed.

EMCO deletes what an update leaves out while nobody waits for it, and not always: nothing of a context that was not carried out yet, and
in its main branch nothing at all if the update only takes clusters away, while it says that all is well (measured).
"""

import time
from dataclasses import dataclass

from relocate.clusters.companion import Companion
from relocate.clusters.emco import edits
from relocate.clusters.emco.anchor import Anchor
from relocate.clusters.emco.group import Group
from relocate.clusters.emco.placement import Place
from relocate.clusters.emco.status import Status, why_not_deleted


@dataclass
class _Leftover:
    since: float
    why: str
    swept: bool = False


class Leaving:
    """What is left of instances that were removed."""

    def __init__(self, place: Place, companion: Companion | None, orphan_seconds: float) -> None:
        """Args: place: which cluster; companion: what sees it; orphan_seconds: how long EMCO may take."""
        self._place = place
        self._companion = companion
        self._orphan_seconds = orphan_seconds
        self._left: dict[tuple[str, str], _Leftover] = {}

    async def gone(self, key: tuple[str, str], group: Group, anchor: Anchor, status: Status) -> bool:
        """Whether nothing is left. Raises ClusterUnavailable, InvalidWorkload: it is not known."""
        why = await self._why_wanted(group, anchor, status)
        if why is not None:
            self._left.pop(key, None)
            return False
        why = await self._why_there(group, anchor, status)
        if why is None:
            self._left.pop(key, None)
            return True
        self._left.setdefault(key, _Leftover(time.monotonic(), why)).why = why
        return False

    def stuck(self, key: tuple[str, str]) -> str | None:
        """Why it will not go by itself, by the last look; None: it may yet."""
        left = self._left.get(key)
        if left is None or not self._overdue(left) or (self._companion is not None and not left.swept):
            return None
        if left.swept:
            return f"EMCO wants nothing of it on {self._place} any more, it was deleted, and does not go: {left.why}"
        says = f"EMCO wants nothing of it on {self._place} any more, and says of what it had there: {left.why}"
        return f"{says}; a companion of the cluster can see whether it is gone, and removes what is left"

    async def sweep(self, key: tuple[str, str], anchor: Anchor, status: Status) -> None:
        """Have the companion remove what EMCO left behind, once it is overdue."""
        left = self._left.get(key)
        if left is None or self._companion is None or left.swept or not self._overdue(left):
            return
        await self._companion.sweep(marks(status, anchor))
        left.since, left.swept = time.monotonic(), True

    async def _why_wanted(self, group: Group, anchor: Anchor, status: Status) -> str | None:
        if status.revision == 0:
            return None  # somebody terminated the group: nothing of it is wanted anywhere
        if status.entries(anchor.apps, self._place):
            return f"EMCO's revision {status.revision} has it on {self._place}"
        if not status.settled:
            return f"EMCO says {status.deployed} of revision {status.revision}"
        named = await edits.demanded(group, anchor)
        return f"EMCO's intents name {self._place} for {', '.join(sorted(named))}" if named else None

    async def _why_there(self, group: Group, anchor: Anchor, status: Status) -> str | None:
        if self._companion is not None:
            found = await self._companion.standing(marks(status, anchor), {})
            return f"there is {', '.join(found.parts)}" if found.parts else None
        below = status.revision or (status.last.revision + 1 if status.last is not None else 0)
        for context in status.contexts(below):
            if context.revision <= anchor.since:
                break
            then = await group.status("deployed", context.context)
            if then.entries(anchor.apps, self._place):
                return why_not_deleted(then, anchor.apps, self._place)
        return None

    def _overdue(self, left: _Leftover) -> bool:
        return time.monotonic() - left.since > self._orphan_seconds


def marks(status: Status, anchor: Anchor) -> list[str]:
    """EMCO's `emco/deployment-id` of each app: it names the group's first context, through all updates."""
    return [f"{status.states.first}-{app}" for app in anchor.apps]
