# SPDX-License-Identifier: Apache-2.0
"""The driver for instances that somebody else runs: we only steer between the endpoints that the cluster names."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Self

from pydantic import Field

from relocate.checking import checked
from relocate.clusters.contract import ClusterDriver, DriverDescription, InstanceState, Observation, Plan, Workload
from relocate.errors import InvalidWorkload
from relocate.model.values import Model, Name
from steering.model import Endpoint, Fence

KIND = "external"

Endpoints = Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=64)]


class ExternalSettings(Model):
    """An `external` cluster's `settings`."""

    endpoints: dict[Name, dict[Name, Endpoints]] = Field(min_length=1)
    """By application, by port name: where its instance listens."""
    capacity: dict[Name, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By application: what it can serve, in its own unit."""
    timeout_seconds: float = Field(default=1.0, gt=0, le=60)
    """For the connection that tells whether an endpoint is there."""


class ExternalWorkload(Model):
    """An application's `workloads.external`: nothing, since there is nothing to run."""


class ExternalDriver(ClusterDriver):
    """One `external` cluster. The instance's name means nothing here: there is what the settings name."""

    def __init__(self, settings: ExternalSettings) -> None:
        self._settings = settings

    @classmethod
    def open(cls, cluster: str, settings: Mapping[str, Any], *, database_url: str = "") -> Self:  # noqa: ARG003
        """As the contract says; settings are `ExternalSettings`."""
        return cls(checked(ExternalSettings, settings, at="settings"))

    def describe(self) -> DriverDescription:
        """It does not deploy."""
        return DriverDescription(kind=KIND, deploys=False)

    async def plan(self, workload: Workload) -> Plan:
        """Creates nothing; a problem when an endpoint is not named."""
        try:
            self._check(workload)
        except InvalidWorkload as error:
            return Plan(problems=(str(error),))
        return Plan()

    async def deploy(self, workload: Workload, fence: Fence) -> None:  # noqa: ARG002 - nothing comes too late
        """Changes nothing.

        Raises:
            InvalidWorkload: the cluster names no endpoint for one of the ports, or the workload says something.
        """
        self._check(workload)

    async def observe(self, application: str, instance: str) -> Observation:  # noqa: ARG002 - see the class
        """Running when every endpoint accepts a connection; unknown when one does not: it is not ours to judge."""
        ports = self._settings.endpoints.get(application)
        if ports is None:
            return Observation(state=InstanceState.ABSENT, reason=f"settings.endpoints has no {application}")
        named = [endpoint for endpoints in ports.values() for endpoint in endpoints]
        problems = await asyncio.gather(*(self._why_unreachable(endpoint) for endpoint in named))
        found = [problem for problem in problems if problem]
        return Observation(
            state=InstanceState.UNKNOWN if found else InstanceState.RUNNING,
            reason=found[0] if found else "",
            endpoints=ports,
            capacity=self._settings.capacity.get(application),
        )

    async def remove(self, application: str, instance: str, fence: Fence) -> None:
        """Changes nothing: whoever runs the instance ends it."""

    async def advance(self, application: str, instance: str, fence: Fence) -> None:
        """Changes nothing, since no order of ours ever did."""

    async def gone(self, application: str, instance: str) -> bool | None:  # noqa: ARG002 - see the class
        """Always: nothing of ours was ever there."""
        return True

    def _check(self, workload: Workload) -> None:
        checked(ExternalWorkload, workload.settings, at=f"workloads.{KIND}", error=InvalidWorkload)
        known = self._settings.endpoints.get(workload.application, {})
        for port in workload.ports:
            if port not in known:
                field = f"settings.endpoints.{workload.application}.{port}"
                raise InvalidWorkload(f"{field}: the cluster must name at least one endpoint", field=field)

    async def _why_unreachable(self, endpoint: Endpoint) -> str | None:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        except TimeoutError:
            return f"{endpoint} accepted no connection within {self._settings.timeout_seconds:g} s"
        except OSError as error:
            return f"{endpoint}: {os.strerror(error.errno) if error.errno else error}"
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return None
