# SPDX-License-Identifier: Apache-2.0
"""Workflow intents as workflowmgr keeps them, and what is asked about them."""

from typing import Any, NamedTuple

from pydantic import Field

from relocate.emco.go import GoStruct
from relocate.emco.spec import TemporalSpec

NAME = r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"
"""EMCO's own pattern for names."""
LONGEST_NAME = 128


class IntentGroup(NamedTuple):
    """The deployment intent group that intents belong to."""

    project: str
    composite_app: str
    composite_app_version: str
    deployment_intent_group: str


class Metadata(GoStruct):
    """Of every resource of EMCO."""

    name: str = Field(alias="name", pattern=NAME, max_length=LONGEST_NAME)
    description: str = Field(default="", alias="description", max_length=1024)
    user_data_1: str = Field(default="", alias="userData1", max_length=512)
    user_data_2: str = Field(default="", alias="userData2", max_length=512)


class Endpoint(GoStruct):
    """Where workflowmgr asks for a start."""

    name: str = Field(default="", alias="clientEndpointName")
    port: int = Field(default=0, alias="clientEndpointPort", ge=0, le=65535)


class IntentSpec(GoStruct):
    """What an intent wants started, and by whom."""

    endpoint: Endpoint = Field(alias="workflowClient")
    temporal: TemporalSpec = Field(alias="temporal")


class WorkflowIntent(GoStruct):
    """`temporal-workflow-intents`: a workflow that can be started by name."""

    metadata: Metadata = Field(alias="metadata")
    spec: IntentSpec = Field(alias="spec")


def identified(group: IntentGroup, intent: WorkflowIntent) -> TemporalSpec:
    """What the intent wants started, with a workflow id: its own, or else its path, so that it is found again."""
    spec = intent.spec.temporal
    known = spec.start_options.id or "/".join((*group, intent.metadata.name))
    return spec.model_copy(update={"start_options": spec.start_options.model_copy(update={"id": known})})


class CancelMetadata(GoStruct):
    """Of a cancel; emcoctl sends an empty name."""

    name: str = Field(default="", alias="name", max_length=LONGEST_NAME)


class CancelSpec(GoStruct):
    """How a workflow is to end."""

    temporal_server: str = Field(default="", alias="temporalServer")
    workflow: str = Field(default="", alias="workflowID", max_length=1000)
    run: str = Field(default="", alias="runID", max_length=1000)
    terminate: bool = Field(default=False, alias="terminate")
    reason: str = Field(default="", alias="reason", max_length=1024)
    details: list[Any] | None = Field(default=None, alias="details")


class CancelRequest(GoStruct):
    """The body of `cancel`."""

    metadata: CancelMetadata = Field(default=CancelMetadata(), alias="metadata")
    spec: CancelSpec = Field(alias="spec")
