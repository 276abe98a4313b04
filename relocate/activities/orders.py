# SPDX-License-Identifier: Apache-2.0
"""What activities are asked, and what they answer. Pure values: the workflow imports them."""

from datetime import datetime

from pydantic import Field

from readiness.model import GateSpec
from relocate.model.application import Application, Drain, Judging
from relocate.model.relocation import Actor, Parent, Phase, RelocationRequest
from relocate.model.told import Told
from relocate.model.values import Payload
from relocate.phases.documents import Sides
from relocate.phases.teardown import Waivers
from relocate.targets.contract import Decision
from steering.model import Backend, Fence, Version


class Order(Payload):
    """What every order says: for which relocation, in which phase, under which fence."""

    relocation: str
    application: Application
    phase: Phase
    fence: Fence
    told: tuple[Told, ...] = ()
    """What the journal was told since somebody last kept it; whoever takes the order keeps it before anything else."""


class SelectOrder(Order):
    """Find the source, and choose the target."""

    request: RelocationRequest


class Serving(Payload):
    """An instance that runs: the backend that routes can name, and what it can serve."""

    backend: Backend
    capacity: float | None = None


class Written(Payload):
    """Our last write, to tell it from somebody else's."""

    epochs: dict[str, str] = Field(default_factory=dict)
    """Epoch by "gateway/route"."""


class Selected(Payload):
    """The source as observed, and the ranked targets."""

    source: str
    """Its cluster."""
    serving: Serving | None
    """As observed; if it does not run, or its cluster cannot be asked (`sentence` says which), as the routes name it. None:
    no route names it either."""
    written: Written = Written()
    """What stands on the routes before we write: whatever differs from it later, and is not ours, is somebody else's."""
    sentence: str = ""
    left: tuple[tuple[str, str], ...] = ()
    """Cluster and instance of what earlier relocations left behind, when somebody abandoned them."""
    decision: Decision


class InstanceOrder(Order):
    """Do something with one instance on one cluster."""

    cluster: str
    instance: str


class RunningOrder(InstanceOrder):
    """Wait until an instance runs."""

    seconds: float = 600.0
    """For so long."""


class Deployed(Payload):
    """What came of asking for an instance."""

    serving: Serving | None
    """None: it does not run yet, and is waited for."""


class RemoveOrder(InstanceOrder):
    """Remove an instance for good."""

    serves: str | None = None
    """Cluster that serves from now on, put on record with the removal; None where nothing changes."""


class SteerOrder(Order):
    """Write these sides to every route at every gateway, and prove that they are live."""

    sides: Sides
    written: Written = Written()
    accepted: dict[str, Version] = Field(default_factory=dict)
    """Somebody else's changes that an operator has seen and wants replaced: versions by "gateway/route"."""
    waived_instances: tuple[str, ...] = ()
    unproven: bool = False
    probes: int = 5
    """Fresh connections in a row, through each gateway instance."""
    mends: bool = False
    """A route that somebody deleted is written anew. False: nothing is written, it is told as any other change of theirs."""
    keeps: bool = False
    """The weights that stand are kept where they are ours; `sides` says them where somebody else's are replaced."""
    seen: bool = True
    """False: acknowledged is enough, as no traffic moves. Where nothing can be acknowledged, the write is looked for in
    answers all the same; what is seen may fail."""
    healthy: bool = True
    """False: what is seen may fail. No traffic moves to it; it was there before, and failed before."""
    prove_seconds: float = 20.0
    """Longest time until the write is live everywhere."""


class Steered(Payload):
    """A write that is live."""

    written: Written
    live_seconds: dict[str, float] = Field(default_factory=dict)
    """From the write until proven, by gateway instance."""
    live_at: float = 0.0
    """Epoch seconds when the last instance was proven."""
    sentence: str = ""


class ClaimOrder(Order):
    """Write the claimed form of every route (`steering.adopting`), and wait until every gateway instance has it."""

    back: bool
    """To give back what was adopted, as it stands; else to adopt what is somebody else's."""
    failed: bool = False
    """The adoption failed: routes that were made for it go. Otherwise nothing could be given back to nobody."""
    side: Backend | None = None
    """What is adopted."""
    token: str | None = None
    """Of its probe path."""
    expiry: datetime | None = None
    waived_instances: tuple[str, ...] = ()
    prove_seconds: float = 20.0
    """Longest time until it is live everywhere."""

    def sides(self) -> Sides:
        """What is claimed: one side, with its probe path."""
        if self.side is None:
            raise ValueError("side: an adoption is of one side")
        tokens = {self.side.name: self.token} if self.token is not None else {}
        return Sides(
            backends=(self.side,), weights={self.side.name: 100}, probe_tokens=tokens, probe_expiry=self.expiry
        )


class GateOrder(Order):
    """Ask whether one side is ready: directly, and by the probe path through every gateway instance."""

    side: Backend
    gate: GateSpec
    token: str | None
    """Probe token of the side; None asks directly only."""
    at_least: float | None = None
    """Capacity that the side must have."""
    capacity: float | None = None
    directly: bool = False
    """There are no routes yet; no gateway is asked."""
    waived_instances: tuple[str, ...] = ()


class Gated(Payload):
    """The gate's answer."""

    ready: bool
    sentence: str


class WatchOrder(Order):
    """Watch every route until cancelled."""


class BaselineOrder(Order):
    """Wait until the source has been seen for long enough to compare the target with it."""

    source: str
    """Sides by their names."""
    target: str
    since: float
    """Epoch seconds: the baseline begins here."""
    limits: Judging
    patience_seconds: float = 60.0
    """How late a baseline may be, beyond the time that its requests take through one gateway instance; 0: one look."""


class Baseline(Payload):
    """What came of waiting for a baseline."""

    why_not: str | None = None
    """None: it is whole."""


class JudgeOrder(Order):
    """Watch one side for some time and compare it with the baseline."""

    side: Backend
    baseline_side: str
    gate: GateSpec
    """Its checks are asked directly of the side, all the while."""
    whole: bool
    """The side has weight 100: an answer from anywhere else means that the gateways fell back."""
    seconds: float
    """How long to watch; a judgement that is inconclusive then goes on until it is not."""
    baseline_from: float
    """Epoch seconds: A's baseline was seen between this ..."""
    baseline_until: float
    """... and this."""
    since: float
    """Epoch seconds: B is judged by what was seen after this."""
    limits: Judging
    alone: bool = False
    """An operator does without a baseline: the side is held to the limit of errors alone."""
    patience_seconds: float = 60.0
    """How long an inconclusive judgement may hold before it is given back as such."""


class DrainOrder(Order):
    """Wait until nobody uses one side."""

    side: str
    drain: Drain
    waived_instances: tuple[str, ...] = ()
    written: Written = Written()
    """Once somebody else changes it, the wait ends with that: their weights may send users to the side that is to be empty."""


class Drained(Payload):
    """How a drain ended."""

    drained: bool
    left: int | None
    sentence: str


class CheckOrder(Order):
    """Check everything once more before the source is removed."""

    source: str
    target: Backend
    written: Written
    gate: GateSpec
    waivers: Waivers
    waived_instances: tuple[str, ...] = ()
    drained: str | None
    """Why somebody may still use the source, from the drain; None when it was proven unused."""
    cut: int | None = 0
    """What may be cut, at least; None: unknown how much."""
    watched_since: float
    """Epoch seconds when the prober began."""
    since: float
    """Epoch seconds of the switch."""
    max_error_rate: float
    probes: int = 5


class Verdict(Payload):
    """A reason that stands in the way, or none."""

    why_not: str | None
    sentence: str = ""


class HealthOrder(Order):
    """Is this side proven healthy now?"""

    side: Backend
    gate: GateSpec
    token: str | None
    waived_instances: tuple[str, ...] = ()


class TransferOrder(Order):
    """Call one of the application's hooks at the source."""

    source: Backend
    target: Backend
    port: str
    path: str
    timeout_seconds: float


class ActivateOrder(Order):
    """Put on record which cluster serves."""

    active: str


class RecordOrder(Payload):
    """Keep what the journal was told, without doing anything else."""

    told: tuple[Told, ...]


class Start(Payload):
    """Everything a relocation starts with."""

    relocation: str
    lease: int
    request: RelocationRequest
    application: Application
    created_at: datetime
    searchable: bool = False
    """Whether this Temporal namespace has our search attributes."""
    task_queue: str | None = None
    """Task queue of the service whose workers do what this run orders; None: the one beside the run's own."""
    followed: bool = False
    """Whether the workflow that starts this one wants to hear each phase: a signal of `relocate.workflow.followed`."""


class ReleaseStart(Start):
    """What giving back an adopted instance starts with; the request names its cluster as source."""

    instance: str


class AcceptOrder(Payload):
    """Accept a relocation that the workflow which asks for it will start."""

    relocation: str
    """Its id: the same order again is the same relocation."""
    request: RelocationRequest
    actor: Actor
    parent: Parent


class Begun(Payload):
    """A relocation that was accepted: what to start it with, and where it runs."""

    start: Start
    task_queue: str


class Found(Payload):
    """What EMCO's names mean here."""

    applications: tuple[str, ...]
    """In the order in which they move."""
    target: str


class Ended(Payload):
    """How a relocation ended; the workflow's result."""

    outcome: str
    sentence: str
