# SPDX-License-Identifier: Apache-2.0
"""What a driver can do besides, on whose clusters instances may run that are not ours: take one over, and give it back.

A driver that offers this is an `InstanceAdopter` as well. Neither way may end or restart anything of the instance.
"""

from abc import ABC, abstractmethod

from pydantic import Field

from relocate.clusters.contract import Workload
from relocate.model.values import Payload
from steering.model import Endpoint, Fence


class Runs(Payload):
    """What runs on a cluster of what an application says, and is not ours."""

    parts: tuple[str, ...] = ()
    """What was found."""
    differences: tuple[str, ...] = ()
    """Where it is not as the application says: the next cluster gets what the application says."""
    changes: tuple[str, ...] = ()
    """What adopting would change, a sentence each."""
    problems: tuple[str, ...] = ()
    """Why it cannot be adopted as it is; empty if it can."""
    endpoints: dict[str, tuple[Endpoint, ...]] = Field(default_factory=dict)
    """Where it listens, by port name."""


class InstanceAdopter(ABC):
    """Takes instances over, and gives them back; under the same fences as `ClusterDriver.deploy` and `remove`."""

    @abstractmethod
    async def adoptable(self, workload: Workload) -> Runs:
        """What runs of it. Changes nothing."""

    @abstractmethod
    async def adopt(self, workload: Workload, fence: Fence) -> None:
        """From now on what runs is this instance of ours: it is observed, and removed, as one that was deployed.

        Raises:
            InvalidWorkload: it cannot be adopted as it is; nothing was changed.
            StaleFence: the cluster has seen a newer fence for this instance.
        """

    @abstractmethod
    async def release(self, application: str, instance: str, fence: Fence) -> None:
        """Forget it: it runs on, and nothing on it is ours any more. One that is not there is fine.

        Raises:
            InvalidRequest: it is not one that was adopted.
            StaleFence: the cluster has seen a newer fence for this instance.
        """
