# SPDX-License-Identifier: Apache-2.0
"""`relocator/v1`: what an external MEC orchestrator (MEO) is asked over HTTP, and what it answers.

One `POST` a decision. Any decision, "nothing fits" included, is a 200; other statuses are failures of the protocol.
The JSON schemas in docs/reference/meo are made from these models (`python -m relocate.targets.schema`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Score = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Wire(BaseModel):
    """Base of the messages: camelCase on the wire; fields that the reader does not know are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Wanted(Wire):
    """What a cluster must offer."""

    max_latency_ms: float | None = None
    cpu_millicores: int = 0
    memory_mib: int = Field(default=0, alias="memoryMiB")
    labels: dict[str, str] = Field(default_factory=dict)


class App(Wire):
    """The application that moves."""

    name: str
    requirements: Wanted


class Cell(Wire):
    """A radio cell, by the name that the clusters' `cells` use."""

    id: str


class Device(Wire):
    """Where the UE is."""

    cell: Cell | None = None


class Host(Wire):
    """A cluster, by name, and by provider where one is configured."""

    cluster: str
    provider: str | None = None


class HostStatus(StrEnum):
    """What is known of a cluster's ability to take the application. Only `active` may be chosen safely."""

    ACTIVE = "active"
    CORDONED = "cordoned"
    """Never to be chosen."""
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class Metrics(Wire):
    """What was measured; null is unknown, and unknown is not zero."""

    latency_ms: float | None = None
    """Round trip from the UE's cell."""
    cpu_free_millicores: int | None = None
    memory_free_mib: int | None = Field(default=None, alias="memoryFreeMiB")


class Offered(Host):
    """One candidate."""

    zones: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    status: HostStatus
    last_failed_at: datetime | None = None
    """When a relocation to it last failed."""
    metrics: Metrics


class MeoRequest(Wire):
    """The question."""

    api_version: Literal["relocation.mec/v1"] = "relocation.mec/v1"
    request_id: str
    """To be repeated in the answer."""
    deadline: datetime
    """An answer after this moment is not waited for."""
    app: App
    ue: Device = Device()
    source: Host | None = None
    """Where the application runs now; never the target."""
    candidates: tuple[Offered, ...]
    weights: dict[str, float] = Field(default_factory=dict)
    """What counts how much, as configured; their meaning is the MEO's own."""


class MeoOutcome(StrEnum):
    """What was decided."""

    SELECTED = "SELECTED"
    """`target` is the first of `ranked`, or stands alone."""
    KEEP_CURRENT = "KEEP_CURRENT"
    """The source is still the best; `target` is absent or the source."""
    NO_CANDIDATE = "NO_CANDIDATE"
    """Nothing fits; `target` is absent, and nothing but the source may stand in `ranked`."""
    DEFER = "DEFER"
    """No decision yet; the asker falls back as for an unreachable MEO."""


class RankedHost(Host):
    """A candidate that fits."""

    score: Score
    scores: dict[str, Score] = Field(default_factory=dict)


class Reason(Wire):
    """Why a candidate does not fit."""

    code: str = Field(default="", max_length=64, examples=["LATENCY_EXCEEDED"])
    message: str = Field(default="", max_length=1024)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code and self.message else self.message or self.code


class RejectedHost(Host):
    """A candidate that does not fit."""

    reasons: tuple[Reason, ...] = Field(default=(), max_length=64)


class MeoResponse(Wire):
    """The answer. Clusters that were not offered, and any that stands twice, make the whole answer void."""

    request_id: str
    decision_id: str | None = Field(default=None, max_length=256)
    outcome: MeoOutcome
    target: Host | None = None
    ranked: tuple[RankedHost, ...] = Field(default=(), max_length=1000)
    """Best first; if the first fails, the next are tried without another question."""
    rejected: tuple[RejectedHost, ...] = Field(default=(), max_length=1000)
    """Candidates that stand nowhere count as rejected without a reason."""
    valid_until: AwareDatetime | None = None
    policy_version: str | None = Field(default=None, max_length=256)
    retry_after_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Only with DEFER."""

    @model_validator(mode="after")
    def _outcome_fits_body(self) -> Self:
        if (self.outcome is MeoOutcome.SELECTED) and self.target is None:
            raise ValueError("outcome SELECTED needs a target")
        if self.outcome in {MeoOutcome.NO_CANDIDATE, MeoOutcome.DEFER} and self.target is not None:
            raise ValueError(f"outcome {self.outcome} stands without a target")
        return self
