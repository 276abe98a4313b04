# SPDX-License-Identifier: Apache-2.0
"""The raw samples from which claims follow: what activities put into `Claim.detail`.

Each kind names the *rule* by which its claim follows (`relocate.evidence.rules`). A claim whose detail names none was
only said. Moments called `at` are seconds: since the beginning of that watch where they order samples, else since 1970.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from readiness.gate import GateOutcome
from readiness.model import GateSpec, Verdict
from relocate.model.application import Drain, Judging, Policy, Route
from relocate.model.evidence import Claim
from relocate.model.relocation import RelocationRequest
from relocate.model.values import Payload
from relocate.phases.judging import Judgement, Sample
from relocate.phases.proof import Answer
from relocate.phases.teardown import Checked, Waivers
from steering.model import (
    Acknowledgement,
    Fence,
    InstanceAcknowledgement,
    InstanceUsage,
    RouteDocument,
    RouteState,
    Version,
)


class Raw(Payload):
    """Base of all kinds."""

    rule: str

    def detail(self) -> dict[str, Any]:
        """As a claim's detail."""
        return self.model_dump(mode="json")


class Started(Raw):
    """What was asked for, and the policy in force."""

    rule: Literal["started"] = "started"
    request: RelocationRequest
    policy: Policy
    """The application's, with what the request says differently."""
    gate: GateSpec
    """Without the probes' settings, which may hold secrets."""
    routes: tuple[Route, ...]


class WrittenDocument(Raw):
    """E0: the document as the gateway's interface took it; probe tokens are replaced by their SHA-256."""

    rule: Literal["written"] = "written"
    route: str
    version: Version
    fence: Fence
    weights: dict[str, int]
    document: RouteDocument
    accepted: Version | None
    """Version of somebody else's change that an operator had seen and wanted replaced."""
    kept: bool = False
    """The weights are those that stood, whoever had written them: only probe paths were renewed."""
    anew: bool = False
    """The route had been deleted by somebody else."""

    def names(self, cluster: str, instance: str) -> bool:
        """Whether requests may go to that very instance; earlier relocations may have left another one beside it."""
        backend = self.document.backend(cluster)
        return cluster in self.weights and backend is not None and backend.instance == instance


class InstanceApplied(Raw):
    """E2: what one gateway instance said of a version."""

    rule: Literal["acknowledged"] = "acknowledged"
    route: str
    version: Version
    instance: str
    state: Acknowledgement
    reason: str = ""
    at: str | None = None
    unproven: bool
    """`unproven: allow` waives it, for this adapter can give none."""


class AllApplied(Raw):
    """E2 as a whole: what every expected instance said when the write counted as live, or was given up."""

    rule: Literal["live"] = "live"
    route: str
    version: Version
    epoch: str
    answers: tuple[InstanceAcknowledgement, ...]
    waived: tuple[str, ...]
    unproven: bool
    seen: bool
    """Whether proving answers were asked for as well (E3): not for a document that moves no traffic."""


class ProvingAnswers(Raw):
    """E3: the answers through one gateway instance that decided, each verbatim."""

    rule: Literal["proven"] = "proven"
    route: str
    version: Version
    epoch: str
    weights: dict[str, int]
    probes: int
    """How many were needed."""
    seconds: float | None = None
    """From the write to the last of them."""
    rounds: int
    """How often this many were asked; the earlier rounds met the write on its way."""
    answers: tuple[Answer, ...]


class AskedRound(Payload):
    """One round of a gate."""

    at: float
    said: dict[str, Verdict]


class AskedGate(Raw):
    """E3 of a side's readiness: each round of the gate with each check's verdict."""

    rule: Literal["gate"] = "gate"
    side: str
    gate: GateSpec
    """Without the probes' settings."""
    checks: dict[str, str | None]
    """Label of its probe, by check."""
    rounds: tuple[AskedRound, ...]
    left_out: int = 0
    """Earlier rounds that were not kept, of a gate that took long."""
    outcome: GateOutcome
    sentence: str

    @property
    def ready(self) -> bool:
        """Whether the gate opened."""
        return self.outcome is GateOutcome.READY


class Capacity(Raw):
    """The gate was not asked: the side is too small."""

    rule: Literal["capacity"] = "capacity"
    side: str
    capacity: float | None
    at_least: float | None


Run = Annotated[tuple[int, int], Field(description="First second, and the one after the last.")]


class Rows(Payload):
    """Which of the prober's seconds a claim was made from. They stand beside the chain; their digest is in it."""

    since: float
    until: float
    count: int
    seconds: dict[str, dict[str, tuple[Run, ...]]]
    """Runs of whole seconds since 1970, by route and vantage."""
    sha256: str


class Told(Payload):
    """How many of the prober's failures, in their order, had been told when a claim was made."""

    count: int
    sha256: str


class OwnChecks(Payload):
    """B's own readiness checks, asked directly: rounds that failed running, and the last reason."""

    failed_rounds: int = 0
    reason: str = ""


class Judgements(Raw):
    """E4 of a hold or of the bake: what B was judged by."""

    rule: Literal["judged"] = "judged"
    side: str
    baseline_side: str
    limits: Judging
    baseline_rows: Rows
    rows: Rows
    whole: bool
    own: OwnChecks
    counted: Sample
    """Users' requests since this judging began, by the gateways' counters."""
    baseline: Sample
    sample: Sample
    alone: bool = False
    """An operator does without a baseline: B is held to the limit of errors alone."""
    judgement: Judgement


class UsageRun(Payload):
    """One count of every gateway instance, and the moments at which it came out the same."""

    at: tuple[float, ...]
    usage: tuple[InstanceUsage, ...]


class UsageCounts(Raw):
    """E5: every count that was judged."""

    rule: Literal["drained"] = "drained"
    side: str
    left: int | None
    window_seconds: float
    by_instance: dict[str, int]
    drain: Drain
    counts: tuple[UsageRun, ...]
    left_out: int = 0
    """Earlier counts that were not kept, of a drain that took long."""


class WatchedRoute(Raw):
    """E4 from before `prepare` to the last check."""

    rule: Literal["watched"] = "watched"
    route: str
    vantages: tuple[str, ...]
    period_seconds: float
    since: float
    until: float
    rows: Rows
    failures: Told
    coverage: dict[str, Any]


class RouteLook(Payload):
    """One route at one gateway before the point of no return."""

    gateway: str
    route: str
    expected_epoch: str | None
    found: RouteState | None = None
    """What was read back; None: the gateway has no such route."""
    answers: tuple[InstanceAcknowledgement, ...] = ()
    unproven: bool = False
    """`unproven: allow` waives them, for this adapter can give none."""


class CheckedRoutes(Raw):
    """E2, once more."""

    rule: Literal["checked-routes"] = "checked-routes"
    source: str
    looks: tuple[RouteLook, ...]
    waived: tuple[str, ...]


class RouteAsked(Payload):
    """Answers through every instance of one gateway."""

    gateway: str
    route: str
    epoch: str
    weights: dict[str, int]
    probes: int
    """How many were needed of each."""
    needed: tuple[str, ...]
    """Instances that count: neither dead nor waived."""
    answers: dict[str, tuple[Answer, ...]]
    """By gateway instance."""


class CheckedAnswers(Raw):
    """E3, once more: proving answers, and B's checks."""

    rule: Literal["checked-answers"] = "checked-answers"
    asked: tuple[RouteAsked, ...]
    health: AskedGate


class CheckedSeconds(Raw):
    """E4, once more: B since the switch."""

    rule: Literal["checked-seconds"] = "checked-seconds"
    side: str
    rows: Rows
    max_error_rate: float
    sample: Sample


class CheckedAll(Raw):
    """E5, once more, and all of it together: whether A may be removed."""

    rule: Literal["checked"] = "checked"
    source: str
    target: str
    checked: Checked
    waivers: Waivers
    cut: int | None


class Removed(Raw):
    """An instance was removed, and its cluster says that it is gone."""

    rule: Literal["removed"] = "removed"
    cluster: str
    instance: str
    fence: Fence


class Commanded(Raw):
    """Somebody said what to do."""

    rule: Literal["commanded"] = "commanded"
    command: str
    who: str
    why: str
    cluster: str | None = None
    """For `settle`: the side to settle on."""


Known = Annotated[
    Started
    | Commanded
    | WrittenDocument
    | InstanceApplied
    | AllApplied
    | ProvingAnswers
    | AskedGate
    | Capacity
    | Judgements
    | UsageCounts
    | WatchedRoute
    | CheckedRoutes
    | CheckedAnswers
    | CheckedSeconds
    | CheckedAll
    | Removed,
    Field(discriminator="rule"),
]

_KNOWN: TypeAdapter[Known] = TypeAdapter(Known)


def samples_of(claim: Claim) -> Known | None:
    """The samples that a claim names a rule for; None for one that was only said.

    Raises:
        ValueError: they cannot be read, or name a rule that this version does not know.
    """
    return _KNOWN.validate_python(claim.detail) if "rule" in claim.detail else None


def without_settings(gate: GateSpec) -> GateSpec:
    """The gate as it may stand in a record: what its probes send may be secret."""
    return gate.model_copy(update={"probes": tuple(p.model_copy(update={"settings": {}}) for p in gate.probes)})
