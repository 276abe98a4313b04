# SPDX-License-Identifier: Apache-2.0
"""The two workflows of EMCO that we stand in for: what they need, and what they say of themselves while they run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relocate.emco.spec import WorkflowParams
from relocate.errors import InvalidRequest
from relocate.model.relocation import Phase

ALL = "all-activities"
"""Stands for every activity."""


class State(StrEnum):
    """What the query `current-state` answers: the original's activities, in their names."""

    STARTED = "started"
    GET = "GetDigAppIntents"
    UPDATE = "UpdateAppIntents"
    DIG = "DoDigUpdate"
    CHECK = "CheckReadinessStatus"
    COMPLETED = "completed"


GROUP = ("project", "compositeApp", "compositeAppVersion", "deploymentIntentGroup")
"""What names a deployment intent group."""
TARGET = ("targetClusterProvider", "targetClusterName")
"""What names a cluster."""


@dataclass(frozen=True)
class Move:
    """One of the two."""

    workflow_type: str
    client: str
    """Workflow client that starts it."""
    address: str
    """The parameter with the URL of EMCO's orchestrator."""
    needs: tuple[str, ...]
    """Parameters that must be there."""
    activities: tuple[State, ...]
    """For which an intent may give options."""
    shows: Mapping[Phase, State]
    """What is in progress in each phase of ours: the last activity of the original that does something like it."""
    names: str
    """Key of the result under which applications stand, by placement intent."""
    more: Mapping[str, str] = field(default_factory=dict)
    """What else stands in the result."""

    def check(self, params: WorkflowParams) -> None:
        """See that it can be carried out at all.

        Raises:
            InvalidRequest: something is missing, or meant for an activity that there is not.
        """
        given = params.activity_params.get(ALL)
        if given is None:
            raise InvalidRequest(f"must have {ALL}", field="workflowParams.activityParams")
        missing = [name for name in self.needs if not given.get(name)]
        if missing:
            raise InvalidRequest(f"must have {', '.join(missing)}", field=f"workflowParams.activityParams.{ALL}")
        for name in params.activity_options:
            if name != ALL and name not in self.activities:
                allowed = ", ".join((ALL, *self.activities))
                raise InvalidRequest(
                    f"{name} is no activity; allowed: {allowed}", field="workflowParams.activityOptions"
                )

    def result(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """What the workflow ends with: the original's, which is what its last activity was given.

        Args:
            given: the workflow's parameters.
        """
        path = "/v2/projects/{project}/composite-apps/{compositeApp}/{compositeAppVersion}/deployment-intent-groups/"
        group = path.format_map(given) + given["deploymentIntentGroup"]
        return {
            "InParams": dict(sorted(given.items())),
            **self.more,
            "GenericPlacementIntentURL": f"{given[self.address]}{group}/generic-placement-intents",
            "GenericPlacementIntents": None,
            self.names: None,
        }


_MIGRATED = dict.fromkeys(Phase, State.DIG) | {Phase.SELECT: State.GET, Phase.DEPLOY: State.UPDATE}

_RELOCATED = dict.fromkeys(Phase, State.CHECK) | {
    Phase.SELECT: State.GET,
    Phase.DEPLOY: State.UPDATE,
    Phase.PREPARE: State.DIG,
    Phase.TEARDOWN: State.UPDATE,
}

MIGRATE = Move(
    workflow_type="EmcoMigrateWorkflow",
    client="migrate_workflowclient",
    address="emcoURL",
    needs=("emcoURL", *GROUP, *TARGET),
    activities=(State.GET, State.UPDATE, State.DIG),
    shows=_MIGRATED,
    names="AppNameIntentPairs",
)
"""Every application of a group."""

RELOCATE = Move(
    workflow_type="EmcoRelocateWorkflow",
    client="relocate_workflowclient",
    address="emcoOrchEndpoint",
    needs=("emcoOrchEndpoint", *GROUP, *TARGET, "targetAppName"),
    activities=(State.GET, State.UPDATE, State.DIG, State.CHECK),
    shows=_RELOCATED,
    names="AppsNameDetails",
    more={"StatusAnchor": ""},
)
"""One application of a group."""
