# SPDX-License-Identifier: Apache-2.0
"""A relocation: what was asked for, where it stands, how it ended."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from relocate.model.application import Drain, Judging, Steps
from relocate.model.values import Duration, Labels, Model, Name, Payload


def relocation_id(moment: datetime, chance: int) -> str:
    """Sorts by time, and cannot be guessed.

    Args:
        moment: of the acceptance.
        chance: 32 random bits.
    """
    return f"rel-{moment:%Y%m%d%H%M%S}-{chance:08x}"


class Phase(StrEnum):
    """The phases of the design, in order."""

    SELECT = "select"
    DEPLOY = "deploy"
    PREPARE = "prepare"
    READY = "ready"
    TRANSFER = "transfer"
    SWITCH = "switch"
    BAKE = "bake"
    DRAIN = "drain"
    TEARDOWN = "teardown"


class Outcome(StrEnum):
    """How a relocation ends. `needs_operator` is no end: the run stays open."""

    COMPLETED = "completed"
    NOTHING_TO_DO = "nothing_to_do"
    NO_TARGET = "no_target"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """Where a relocation stands as a whole."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    HELD = "held"
    UNDOING = "undoing"
    NEEDS_OPERATOR = "needs_operator"
    FINISHED = "finished"


class StepState(StrEnum):
    """Where one phase of a relocation stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    SKIPPED = "skipped"


class UE(Model):
    """User equipment, by one of its identities."""

    type: Literal["UE_IPv4_ADDRESS", "UE_IPV6_ADDRESS", "NATED_IP_ADDRESS", "GTP_TEID", "GPSI", "NAME"] = "NAME"
    value: str = Field(min_length=1, max_length=256)


class Overrides(Model):
    """What a request may say differently from the application's policy. Unset fields leave the policy as it is."""

    steps: Steps | None = None
    hold_seconds: Duration | None = None
    deploy_seconds: float | None = Field(default=None, gt=0, le=600)
    bake_seconds: Duration | None = None
    drain: Drain | None = None
    judging: Judging | None = None
    unproven: Literal["forbid", "allow"] | None = None
    waived_instances: tuple[str, ...] | None = Field(default=None, max_length=64)
    probes_per_instance: int | None = Field(default=None, ge=3, le=100)
    ready_deadline_seconds: float | None = Field(default=None, gt=0, le=86400)


class RelocationRequest(Model):
    """One move that somebody wants.

    Either `target` is given, or `candidates` or `labels` say what may be chosen from; with none of them every known
    cluster is a candidate.
    """

    application: Name
    source: Name | None = None
    """Where the caller believes the application runs; refused when it is wrong. None: where it is."""
    target: Name | None = None
    candidates: tuple[Name, ...] | None = Field(default=None, min_length=1, max_length=1000)
    labels: Labels | None = None
    ue: UE | None = None
    cell: str | None = Field(default=None, min_length=1, max_length=128)
    """The cell the UE is in now; candidates are judged from there."""
    reason: str = Field(default="", max_length=1024)
    options: Overrides = Overrides()

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.target is not None and (self.candidates is not None or self.labels is not None):
            raise ValueError("target: stands alone, without candidates or labels")
        if self.target is not None and self.target == self.source:
            raise ValueError("target: must differ from source")
        return self


class Actor(Payload):
    """Who gave a command, and why: kept in the record."""

    who: str = Field(default="anonymous", max_length=256)
    why: str = Field(default="", max_length=1024)


class Parent(Payload):
    """A run of another workflow that has a relocation as a part of it, and starts it."""

    workflow: str
    run: str


class Step(Payload):
    """One phase of one relocation, as people see it."""

    phase: Phase
    state: StepState = StepState.PENDING
    sentence: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class View(Payload):
    """Everything one can see of a relocation without asking a worker; kept in the database."""

    id: str
    revision: int = 0
    """Rises with every change; 0 is the view of the acceptance."""
    application: str
    status: Status
    outcome: Outcome | None = None
    phase: Phase | None = None
    sentence: str = ""
    """What is going on now, or how it ended and why, in one sentence."""
    source: str | None = None
    target: str | None = None
    request: RelocationRequest
    steps: tuple[Step, ...]
    weights: dict[str, int] = Field(default_factory=dict)
    left_on_source: int | None = None
    """Requests and streams still open on A, where counted."""
    cut: int | None = 0
    """Streams and requests that were open when they were given up (`force`): at least so many; null: unknown how many."""
    point_of_no_return: bool = False
    next_step: str = ""
    """For `needs_operator`: what the operator can do."""
    created_at: datetime
    finished_at: datetime | None = None

    def changed(self, **changes: Any) -> Self:
        """The next view, with these fields changed."""
        return self.model_copy(update={**changes, "revision": self.revision + 1})

    def ended(self, outcome: Outcome, sentence: str, moment: datetime) -> Self:
        """The last view. A step that still runs has failed, and those that never began are left out."""
        last = {StepState.RUNNING: StepState.FAILED, StepState.PENDING: StepState.SKIPPED}
        steps = tuple(step.model_copy(update={"state": last.get(step.state, step.state)}) for step in self.steps)
        return self.changed(
            status=Status.FINISHED, outcome=outcome, sentence=sentence, steps=steps, next_step="", finished_at=moment
        )
