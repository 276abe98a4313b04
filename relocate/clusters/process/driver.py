# SPDX-License-Identifier: Apache-2.0
"""The driver of a `process` cluster: asks its agent by HTTP."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from relocate.checking import checked
from relocate.clusters.companion import Companion, PortAt, Standing
from relocate.clusters.contract import ClusterDriver, DriverDescription, InstanceState, Observation, Plan, Workload
from relocate.clusters.process.wire import Order, ProcessWorkload, Refusal, Status, written
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload, StaleFence
from relocate.model.values import Model
from steering.model import Fence

KIND = "process"
AT = f"workloads.{KIND}"

LAST = Fence(lease=10**15, sequence=0)
"""Later than every order: for an instance that nobody will order anything of again."""

A = TypeVar("A", Status, Refusal)
_STATUSES = TypeAdapter(list[Status])


class ProcessSettings(Model):
    """A `process` cluster's `settings`."""

    url: str = Field(pattern=r"^https?://[^/]+/?$", max_length=512, examples=["http://127.0.0.1:7801"])
    """Where its agent listens."""
    token: SecretStr | None = None
    """The agent's token, where it has one."""
    token_file: Path | None = None
    """File with that token, for each process that speaks with the agent: settings are shown to readers of the API."""
    capacity: float | None = Field(default=None, gt=0)
    """What one instance can serve here, for workloads that do not say it."""
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    """For each call of the agent."""


class ProcessDriver(ClusterDriver, Companion):
    """One `process` cluster."""

    def __init__(self, cluster: str, settings: ProcessSettings) -> None:
        self._cluster = cluster
        self._settings = settings
        token = _token(settings)
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        # The agent is on this machine or near: a proxy from the environment is never the way to it.
        self._client = httpx.AsyncClient(
            base_url=settings.url, headers=headers, timeout=settings.timeout_seconds, trust_env=False
        )

    @classmethod
    def open(cls, cluster: str, settings: Mapping[str, Any], *, database_url: str = "") -> Self:  # noqa: ARG003
        """As the contract says; settings are `ProcessSettings`."""
        return cls(cluster, checked(ProcessSettings, settings, at="settings"))

    def describe(self) -> DriverDescription:
        """It deploys."""
        return DriverDescription(kind=KIND, deploys=True)

    async def plan(self, workload: Workload) -> Plan:
        """As the contract says; the agent makes every check of a deploy."""
        try:
            status = await self._put(workload, None)
        except InvalidWorkload as error:
            return Plan(problems=(str(error),))
        return Plan(creates=(workload.instance,) if status.state is InstanceState.ABSENT else ())

    async def deploy(self, workload: Workload, fence: Fence) -> None:
        """As the contract says. An instance that failed stays failed: remove it and give another a new name."""
        await self._put(workload, fence)

    async def observe(self, application: str, instance: str) -> Observation:
        """As the contract says; `running` when every named port accepts connections."""
        status = await self._status(application, instance)
        return Observation(
            state=status.state,
            reason=status.reason,
            endpoints={name: (endpoint,) for name, endpoint in status.endpoints.items()},
            capacity=self._capacity(status),
        )

    async def remove(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says: SIGTERM, and SIGKILL after the workload's `grace_seconds`."""
        await self._order("DELETE", _path(application, instance), fence)

    async def advance(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says."""
        await self._order("POST", f"{_path(application, instance)}/fence", fence)

    async def gone(self, application: str, instance: str) -> bool | None:
        """Whether the agent says that no process is left; None when it cannot be asked."""
        try:
            status = await self._status(application, instance)
        except ClusterUnavailable:
            return None
        return status.gone

    async def standing(self, marks: Sequence[str], ports: Mapping[str, PortAt | None]) -> Standing:
        """As the contract says: a mark is the name of an application here."""
        found = await self._marked(marks)
        running = [one for one in found if one.state is InstanceState.RUNNING]
        return Standing(
            endpoints={port: tuple(one.endpoints[port] for one in running if port in one.endpoints) for port in ports},
            parts=tuple(f"process {one.pid} of {one.instance}" for one in found),
            capacity=sum(capacities) if (capacities := [one.capacity for one in running if one.capacity]) else None,
        )

    async def sweep(self, marks: Sequence[str]) -> None:
        """As the contract says."""
        for one in await self._marked(marks):
            await self._order("DELETE", _path(one.application, one.instance), LAST)

    async def close(self) -> None:
        """Close the connections to the agent."""
        await self._client.aclose()

    def _capacity(self, status: Status) -> float | None:
        if status.capacity is not None or status.state is InstanceState.ABSENT:
            return status.capacity
        return self._settings.capacity

    async def _put(self, workload: Workload, fence: Fence | None) -> Status:
        order = _order(workload)
        response = await self._ask("PUT", _path(workload.application, workload.instance), _said(fence), order)
        if response.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
            refusal = self._parsed(Refusal, response)
            field = f"{AT}.{refusal.field}" if refusal.field else AT
            text = f"{AT}.{refusal.detail}" if refusal.field else f"{AT}: {refusal.detail}"
            raise InvalidWorkload(text, field=field)
        return self._parsed(Status, self._accepted(response))

    async def _status(self, application: str, instance: str) -> Status:
        return self._parsed(Status, self._accepted(await self._ask("GET", _path(application, instance))))

    async def _order(self, method: str, path: str, fence: Fence) -> Status:
        return self._parsed(Status, self._accepted(await self._ask(method, path, _said(fence))))

    async def _marked(self, marks: Sequence[str]) -> Sequence[Status]:
        answer = self._accepted(await self._ask("GET", "/instances"))
        try:
            every = _STATUSES.validate_json(answer.content)
        except ValidationError as error:
            raise ClusterUnavailable(f"{self._cluster}: what answers at {self._settings.url} is no agent") from error
        return [one for one in every if one.application in marks and not one.gone]

    async def _ask(
        self, method: str, path: str, params: Mapping[str, str] | None = None, order: Order | None = None
    ) -> httpx.Response:
        content = None if order is None else order.model_dump_json()
        try:
            return await self._client.request(method, path, params=params, content=content)
        except httpx.HTTPError as error:
            how = str(error) or type(error).__name__
            raise ClusterUnavailable(
                f"{self._cluster}: its agent at {self._settings.url} cannot be asked: {how}"
            ) from error

    def _accepted(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == HTTPStatus.OK:
            return response
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise StaleFence(f"{self._cluster}: {self._parsed(Refusal, response).detail}")
        detail = response.text[:200]
        raise ClusterUnavailable(
            f"{self._cluster}: its agent at {self._settings.url} answered {response.status_code}: {detail}"
        )

    def _parsed(self, model: type[A], response: httpx.Response) -> A:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise ClusterUnavailable(f"{self._cluster}: what answers at {self._settings.url} is no agent") from error


def _token(settings: ProcessSettings) -> str | None:
    if settings.token_file is None:
        return None if settings.token is None else settings.token.get_secret_value()
    try:
        return settings.token_file.read_text().strip()
    except OSError as error:
        raise InvalidRequest(f"settings.token_file: {error}", field="settings.token_file") from error


def _order(workload: Workload) -> Order:
    settings = checked(ProcessWorkload, workload.settings, at=AT, error=InvalidWorkload)
    written = {"ports": workload.ports, "workload": settings}
    return checked(Order, written, at=AT, error=InvalidWorkload)


def _said(fence: Fence | None) -> Mapping[str, str]:
    """Under which fence an order comes; none is a dry run."""
    return {"dry_run": "true"} if fence is None else {"fence": written(fence)}


def _path(application: str, instance: str) -> str:
    return f"/instances/{quote(application, safe='')}/{quote(instance, safe='')}"
