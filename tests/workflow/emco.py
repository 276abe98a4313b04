# SPDX-License-Identifier: Apache-2.0
"""EMCO's workflowmgr, as stories know it: it starts a workflow, looks at it, and ends it, straight in Temporal."""

from collections.abc import Mapping, Sequence
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from relocate.emco.clients import invocation
from relocate.emco.moves import MIGRATE, Move
from relocate.emco.spec import TemporalSpec
from relocate.emco.workflows import Started
from tests.workflow.run import Run, eventually, replayer
from tests.workflow.world import PROVIDER, World

OPTIONS: Mapping[str, Any] = {
    "ID": "",
    "TaskQueue": "as the sample says",
    "WorkflowExecutionTimeout": 0,
    "WorkflowRunTimeout": 0,
    "WorkflowTaskTimeout": 0,
    "WorkflowIDReusePolicy": 0,
    "WorkflowExecutionErrorWhenAlreadyStarted": False,
    "RetryPolicy": {
        "InitialInterval": 0,
        "BackoffCoefficient": 0,
        "MaximumInterval": 0,
        "MaximumAttempts": 2,
        "NonRetryableErrorTypes": None,
    },
    "CronSchedule": "",
    "Memo": None,
    "SearchAttributes": None,
}
"""As the original's samples have them."""


class Manager:
    """Of one world."""

    def __init__(self, world: World) -> None:
        """Args: world: whose application it moves."""
        self.world = world

    def params(self, move: Move = MIGRATE, **changes: str) -> dict[str, str]:
        """What moves the world's application to `b`."""
        params = {
            move.address: "http://emco.test:30415",
            "project": self.world.app,
            "compositeApp": "shop",
            "compositeAppVersion": "v1",
            "deploymentIntentGroup": "dig1",
            "targetClusterProvider": PROVIDER,
            "targetClusterName": self.world.b,
            "targetAppName": "Web",
        }
        if move is MIGRATE:
            del params["targetAppName"]
        return params | changes

    async def start(
        self, move: Move = MIGRATE, *, options: Mapping[str, Any] | None = None, owner: str = "", **changes: str
    ) -> "Managed":
        """Start it through our workflow client, under an id of the world's own, for a caller of the project `owner`, if one is given."""
        given = {**OPTIONS, "ID": f"{self.world.app}-move", **(options or {})}
        params = {"activityParams": {"all-activities": self.params(move, **changes)}}
        spec = TemporalSpec.model_validate({"workflowStartOptions": given, "workflowParams": params})
        known = self.world.service.parts.settings.known_workflow_clients
        wanted = invocation(known, move.client, spec).model_copy(update={"project": owner})
        started = await self.world.service.dispatch.workflows.start(wanted)
        return Managed(self.world, started)


class Managed:
    """One workflow that was started."""

    def __init__(self, world: World, started: Started) -> None:
        """Args: world: it belongs to; started: what the workflow client answered."""
        self._world = world
        self.started = started

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        """Of the very run that was started."""
        return self._world.service.client.get_workflow_handle(self.started.workflow, run_id=self.started.run)

    async def status(self) -> WorkflowExecutionStatus | None:
        """As Temporal has it, when the run is closed."""
        await eventually(self._closed)
        return (await self.handle.describe()).status

    async def state(self) -> str:
        """What `current-state` answers."""
        answer: str = await self.handle.query("current-state")
        return answer

    async def relocation(self) -> Run:
        """The relocation that it has begun, once there is one; the story proves and replays it at its end."""
        await eventually(self._has_begun)
        (view,) = self._world.service.database.relocations.list(application=self._world.app, limit=1)
        if view.id not in (run.id for run in self._world.runs):
            self._world.runs.append(Run(self._world.service, view.id))
        return next(run for run in self._world.runs if run.id == view.id)

    async def why(self) -> str:
        """How it failed, in words."""
        event = (await self.handle.fetch_history()).events[-1]
        return event.workflow_execution_failed_event_attributes.failure.message

    async def replay(self) -> None:
        """The workflow's code takes the same way again."""
        await replayer().replay_workflow(await self.handle.fetch_history())

    async def _has_begun(self) -> bool:
        views: Sequence[Any] = self._world.service.database.relocations.list(application=self._world.app)
        return bool(views)

    async def _closed(self) -> bool:
        return (await self.handle.describe()).close_time is not None


def bakes(world: World, seconds: float = 20) -> None:
    """What the application itself says of its moves; EMCO's requests say nothing of it."""
    application = world.application()
    policy = application.policy.model_copy(update={"bake_seconds": seconds})
    world.service.database.catalogue.put(application.model_copy(update={"policy": policy}))
