# SPDX-License-Identifier: Apache-2.0
"""Builds of the code, where workers say theirs (`RELOCATE_WORKER_BUILD`): a relocation ends on the build on which it began.

This is Temporal's Worker Versioning with pinned runs. New relocations begin on the build that is *current*; a build is promoted
to that once its workers ask for work. Workers of a build from before are needed until the last relocation that began there has ended.
"""

import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import RoutingConfigUpdateState
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest, SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_random_exponential,
)

from relocate.errors import EngineUnavailable
from relocate.settings import Settings
from relocate.temporal.connection import ANSWER

VERSION = SearchAttributeKey.for_keyword("TemporalWorkerDeploymentVersion")
"""What Temporal itself keeps of a run: `DEPLOYMENT:BUILD`."""
SHOWN = 10
"""Relocations of a build that are named."""
AWAY = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED)
NOT_YET = (*AWAY, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND)
"""What Temporal says of a build of which no worker has asked for work so far."""


@dataclass(frozen=True)
class Build:
    """One build that is still needed, or known to Temporal."""

    name: str
    current: bool
    """New relocations begin on it."""
    relocations: Sequence[str] = ()
    """Those that run on it, by id."""


def deployment(settings: Settings) -> str:
    """What Temporal calls all builds of this service together; a dot would end the name."""
    return settings.task_queue.replace(".", "-")


def pinning(settings: Settings) -> WorkerDeploymentConfig | None:
    """What a worker of this build is told; None: it carries on whatever there is."""
    if not settings.worker_build:
        return None
    version = WorkerDeploymentVersion(deployment(settings), settings.worker_build)
    return WorkerDeploymentConfig(
        version, use_worker_versioning=True, default_versioning_behavior=VersioningBehavior.PINNED
    )


class Builds:
    """Of one service, as Temporal knows them."""

    def __init__(self, client: Client, settings: Settings) -> None:
        """Args: client: of the service's namespace; settings: with its task queue."""
        self._client = client
        self._deployment = deployment(settings)

    async def known(self) -> Sequence[Build]:
        """Every build that Temporal knows or on which something runs, by name.

        Raises:
            EngineUnavailable: Temporal cannot be asked.
        """
        running = await self._running()
        current, names = await self._described()
        return [
            Build(name, name == current, tuple(running.get(name, ()))) for name in sorted({*names, *running.keys()})
        ]

    async def promote(self, build: str, seconds: float) -> None:
        """Let new relocations begin on a build, once workers of it ask for work on every queue of ours.

        When this returns, all of Temporal knows: what is asked of a relocation from now on does not wait for workers of before.

        Args:
            build: its name.
            seconds: how long to wait for workers, and then for all of Temporal to know.

        Raises:
            EngineUnavailable: they did not come, or Temporal cannot be asked.
        """
        patience = AsyncRetrying(wait=wait_random_exponential(multiplier=0.1, max=2), stop=stop_after_delay(seconds))
        not_yet = retry_if_exception(lambda error: isinstance(error, RPCError) and error.status in NOT_YET)
        try:
            await patience.copy(retry=not_yet, reraise=True)(self._make_current, build)
        except RPCError as error:
            raise EngineUnavailable(f"build {build} cannot be made current: {error.message}") from error
        unknown = retry_if_result(operator.not_) | retry_if_exception_type(EngineUnavailable)
        if not await patience.copy(retry=unknown, retry_error_callback=lambda _: False)(self._known_everywhere):
            raise EngineUnavailable(f"build {build} is current, and after {seconds:g} s not all of Temporal knows it")

    async def _make_current(self, build: str) -> None:
        await self._client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=self._client.namespace,
                deployment_name=self._deployment,
                build_id=build,
                identity=self._client.identity,
            ),
            timeout=ANSWER,
        )

    async def _known_everywhere(self) -> bool:
        """Have the queues heard which build is current?"""
        info = await self._info()
        return info.routing_config_update_state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS

    async def _described(self) -> tuple[str, Collection[str]]:
        """The current build, and all; nothing where no worker ever said a build."""
        info = await self._info()
        names = {one.deployment_version.build_id for one in info.version_summaries}
        return info.routing_config.current_deployment_version.build_id, names

    async def _info(self) -> WorkerDeploymentInfo:
        """What Temporal knows of all builds together; empty where no worker ever said a build."""
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=self._deployment)
        try:
            answer = await self._client.workflow_service.describe_worker_deployment(request, timeout=ANSWER)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return WorkerDeploymentInfo()
            raise EngineUnavailable(f"Temporal does not say which builds there are: {error.message}") from error
        return answer.worker_deployment_info

    async def _running(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        query = f"TemporalWorkerDeployment = '{self._deployment}' AND ExecutionStatus = 'Running'"
        try:
            async for run in self._client.list_workflows(query, rpc_timeout=ANSWER):
                version = run.typed_search_attributes.get(VERSION, "")
                found.setdefault(version.removeprefix(f"{self._deployment}:"), []).append(run.id)
        except RPCError as error:
            raise EngineUnavailable(f"Temporal does not say what runs: {error.message}") from error
        return found


def why_not_without(builds: Sequence[Build], kept: Collection[str], *, current_may_go: bool = False) -> Sequence[str]:
    """A sentence for each build that is still needed and would have no workers any more.

    Args:
        builds: all that are known.
        kept: those that keep their workers.
        current_may_go: for a way back, on which another one is promoted at once; else the current one has to be kept,
            because a relocation may begin on it at any moment.
    """
    gone = [one for one in builds if one.name not in kept]
    return [sentence for one in gone if (sentence := _why_needed(one, current_may_go=current_may_go))]


def _why_needed(build: Build, *, current_may_go: bool) -> str:
    count = len(build.relocations)
    if count:
        shown = ", ".join([*build.relocations[:SHOWN], *(["..."] if count > SHOWN else [])])
        return f"Build {build.name} has {count} that {'runs' if count == 1 else 'run'}: {shown}."
    if build.current and not current_may_go:
        return f"Build {build.name} is current: a relocation may begin on it at any moment."
    return ""
