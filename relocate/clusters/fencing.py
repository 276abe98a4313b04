# SPDX-License-Identifier: Apache-2.0
"""The rule by which a cluster refuses orders that come too late: the highest fence seen for each instance."""

from relocate.errors import StaleFence
from steering.model import Fence

MOST = 100_000
"""Instances whose fences are kept, some 20 MB; beyond, the one that was ordered longest ago is forgotten."""


def admit(instance: str, seen: Fence, fence: Fence) -> None:
    """Let an order in whose fence is not older than the one that was seen.

    Raises:
        StaleFence: it is.
    """
    if fence < seen:
        raise StaleFence(
            f"{instance} is at lease {seen.lease}, step {seen.sequence}; "
            f"lease {fence.lease}, step {fence.sequence} is older"
        )


class Fences:
    """The fences of one cluster. They outlive instances: a late `deploy` must not bring back what was removed."""

    def __init__(self, most: int = MOST) -> None:
        """Args: most: how many instances are remembered."""
        self._most = most
        self._seen: dict[tuple[str, str], Fence] = {}

    def admit(self, application: str, instance: str, fence: Fence) -> None:
        """Let an order in, and every older one out from now on; the same fence again is a repeat.

        Raises:
            StaleFence: a newer order has been here.
        """
        seen = self._seen.get((application, instance))
        if seen is not None:
            admit(instance, seen, fence)
        self._seen.pop((application, instance), None)
        self._seen[application, instance] = fence
        if len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]

    def seen(self, application: str, instance: str) -> Fence | None:
        """The highest fence seen for an instance; None if there was none."""
        return self._seen.get((application, instance))
