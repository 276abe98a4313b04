# SPDX-License-Identifier: Apache-2.0
"""Everything around the workflow, in memory: clusters with instances, gateways, the lease, placements; and what is true.

Gateways are `steering.memory`, under the real fencing rule. What is *true* (who is healthy, which gateway instance
routes where) is kept apart from what the workflow is told; the invariants are judged by what is true.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from relocate.clusters.fencing import Fences
from relocate.errors import EvidenceNotStored, StaleFence
from relocate.model.application import Application, Route
from relocate.phases import documents
from steering.adapters.memory import MemoryAdapter
from steering.fencing import Current
from steering.memory import MemoryGateway, MemorySettings
from steering.model import (
    Acknowledgement,
    Backend,
    Capabilities,
    Endpoint,
    Fence,
    InstanceAcknowledgement,
    RouteDocument,
)
from tests.modelcheck import written
from tests.modelcheck.broken import Broken
from tests.modelcheck.remembered import remembered
from tests.modelcheck.written import APP

STRANGER = "someone-elses"
"""An instance on every cluster that is not ours."""
_THEIRS = "somebody-else"


class Gateway(MemoryGateway):
    """A gateway in memory of which one instance may lag: documents reach it when it catches up."""

    def __init__(self, name: str, instances: Sequence[str]) -> None:
        """Args: name: the gateway's; instances: their names."""
        super().__init__(MemorySettings(instances=tuple(instances)), clock=lambda: 0.0)
        self.name = name
        self.lagging: set[str] = set()
        self.waived: frozenset[str] = frozenset()
        """Instances that the request waives: nothing is promised of them."""

    def _tell(self, instance: str, route: str, version: int, document: RouteDocument | None) -> None:
        if instance in self.lagging:
            self._instances[instance].coming.append((1.0, route, version, document))
        else:
            super()._tell(instance, route, version, document)

    def catch_up(self, instance: str) -> None:
        """The instance gets what it has not heard of."""
        self.lagging.discard(instance)
        found = self._instances[instance]
        found.coming = [(0.0, *rest) for _, *rest in found.coming]
        self._settle(instance)

    def replace(self, document: RouteDocument) -> None:
        """Somebody writes past us: no lease, no fence."""
        row = self._rows[document.route]
        self._rows[document.route] = Current(row.version + 1, row.fence, document)
        for instance in self._instances:
            self._tell(instance, document.route, row.version + 1, document)

    def holds(self, instance: str, route: str) -> RouteDocument | None:
        """What the instance routes by; None when it serves nobody."""
        applied = self._instances[instance].routes.get(route)
        return applied.document if applied is not None else None

    def alive(self) -> Sequence[str]:
        """Instances that serve anybody, and are not waived."""
        return [name for name, found in self._instances.items() if not found.dead and name not in self.waived]

    def serving(self, route: str) -> dict[str, RouteDocument]:
        """What every instance routes by that serves somebody, and is not waived."""
        found = {name: self.holds(name, route) for name in self._instances if name not in self.waived}
        return {name: document for name, document in found.items() if document is not None}

    def stands(self, route: str, version: int) -> Sequence[InstanceAcknowledgement]:
        """What every instance says about a version."""
        return [_says(name, *self._state(name, route, version)) for name in self._instances]

    def describe(self) -> Capabilities:
        """What its adapter can do."""
        return MemoryAdapter(self).describe()


@remembered
def _says(instance: str, state: Acknowledgement, reason: str) -> InstanceAcknowledgement:
    return InstanceAcknowledgement(instance=instance, state=state, reason=reason)


GONE = ("dead", "absent")


@dataclass
class Placed:
    """A placement on record."""

    instance: str
    active: bool


@dataclass
class World:
    """What there is. Attributes that begin with `true_` are what an observer knows who sees everything."""

    application: Application
    gateways: list[Gateway]
    instances: dict[tuple[str, str], str] = field(default_factory=dict)
    """healthy, sick (answers with errors) or dead (answers nobody), by cluster and instance."""
    fences: dict[str, Fences] = field(default_factory=lambda: defaultdict(Fences))
    """What each cluster has seen, under the real rule."""
    placements: dict[str, Placed] = field(default_factory=dict)
    fence: tuple[int, int] = (1, 0)
    """The application's lease, as far as it has come."""
    holder: str | None = None
    refuses_evidence: bool = False
    few_samples: bool = False
    frozen: bool = False
    """The source was asked to change nothing any more (`transfer`)."""
    streams: int = 0
    cut_off: bool = False
    """The first gateway instance does not reach the target."""
    late: bool = False
    """What happens now is done by an attempt that has been given up."""
    located: bool = False
    """The relocation has seen the routes; a change from now on that is not its own is somebody else's."""
    shown: set[tuple[str, str]] = field(default_factory=set)
    """Somebody else's changes that an operator was told of: "gateway/route" and version."""
    allowed: set[tuple[str, str]] = field(default_factory=set)
    """Those that an operator has answered to."""
    their_writes: int = 0
    abandoned: bool = False
    strangers: int = 0
    true_source: tuple[str, str] = ("", "")
    true_target: tuple[str, str] = ("", "")
    true_made: set[tuple[str, str]] = field(default_factory=set)
    """Instances that this relocation or an earlier one asked for."""
    true_removed: set[tuple[str, str]] = field(default_factory=set)
    """Instances that the service has removed."""
    true_passed: dict[str, bool] = field(default_factory=dict)
    """Whether a side's last readiness proof was good, and true when it was made."""
    true_once: set[str] = field(default_factory=set)
    """Sides whose readiness was ever rightly proven."""
    true_errors: set[str] = field(default_factory=set)
    """Sides that failed users since the last write of ours was live."""
    true_baked: bool = False
    """The target was rightly judged good with all the weight."""
    true_drained: dict[str, bool] = field(default_factory=dict)
    """Whether a side was rightly counted unused."""
    true_forced: bool = False
    """What was left on the source might be cut: the policy or an operator said so."""
    true_checked: bool = False
    """Everything was rightly found proven once more, and is on record."""
    true_settled: str | None = None
    """The side that an operator settled on last."""

    @property
    def provable(self) -> bool:
        """Whether every adapter can prove by acknowledgement, or the policy does without."""
        mute = any(gateway.mute for gateway in self.gateways)
        return not mute or self.application.policy.unproven == "allow"

    def their_epoch(self) -> str:
        """The epoch of somebody else's next write: as ours do, it identifies this very write."""
        self.their_writes += 1
        return f"{_THEIRS}.-1.{self.their_writes}"

    def begin(self, relocation: str, lease: int, source: str) -> None:
        """A relocation is accepted: it takes the lease. What was true of the one before is over."""
        self.holder, self.fence = relocation, (lease, 0)
        self.true_source = (source, self.placements[source].instance)
        self.true_target = ("", "")
        self.true_passed, self.true_once = {source: True}, {source}
        self.true_drained, self.true_settled = {}, None
        self.true_baked = self.true_forced = self.true_checked = False
        self.located = self.abandoned = False
        self.shown, self.allowed = set(), set()

    def is_ours(self, gateway: Gateway) -> bool:
        """Whether the route there is as this service wrote it."""
        row = gateway.row(self.route.name)
        return row is not None and row.document is not None and not is_theirs(row.document.epoch)

    @property
    def route(self) -> Route:
        """The application's one route."""
        return self.application.routes[0]

    # ---- clusters --------------------------------------------------------------------------------------------------

    def health(self, cluster: str, instance: str) -> str:
        """How an instance is; `absent` when there is none."""
        return self.instances.get((cluster, instance), "absent")

    def advance(self, cluster: str, instance: str, fence: Fence) -> None:
        """A cluster driver's `advance`, which its `deploy` and `remove` begin with. Raises `StaleFence`."""
        self.fences[cluster].admit(APP, instance, fence)

    def remove(self, cluster: str, instance: str, fence: Fence) -> None:
        """A cluster driver's `remove`. Raises `StaleFence`."""
        self.advance(cluster, instance, fence)
        self.vanish(cluster, instance)

    def vanish(self, cluster: str, instance: str) -> None:
        """An instance is no more, by the service's doing."""
        if (cluster, instance) in self.instances:
            self._watch_removal(cluster, instance)
            del self.instances[cluster, instance]
            self.true_removed.add((cluster, instance))

    def watch_order(self, cluster: str, instance: str) -> None:
        """The workflow orders a removal; an attempt of it may come much later, when an operator thinks otherwise."""
        at_stake = (cluster, instance) == self.true_source and (cluster, instance) in self.instances
        if at_stake and self.true_settled in (None, cluster):
            self._watch_teardown(instance)

    def _watch_removal(self, cluster: str, instance: str) -> None:
        if (cluster, instance) not in {self.true_source, *self.true_made}:
            raise Broken("not-ours", f"{instance} on {cluster} was removed, which is not ours to remove")
        for gateway in self.gateways:
            for name, document in gateway.serving(self.route.name).items():
                named = document.backend(cluster)
                users = document.weights.get(cluster) and named is not None and named.instance == instance
                if users and not is_theirs(document.epoch):
                    raise Broken("removed-under-users", f"{instance} was removed while {name} sends users there")

    def _watch_teardown(self, instance: str) -> None:
        proofs = {
            "it was proven that new requests go to the target": self.true_checked,
            "the target was judged good": self.true_baked,
            "nobody used it any more": self.true_drained.get(self.true_source[0], False) or self.true_forced,
        }
        for proof, given in proofs.items():
            if not given:
                raise Broken("teardown-without-proof", f"{instance} was removed before {proof}")

    # ---- gateways --------------------------------------------------------------------------------------------------

    def answers_from(self, gateway: Gateway, instance: str, token: str | None) -> tuple[str, bool] | str:
        """One request through a gateway instance, as the worst that it could meet.

        Returns:
            The side and whether it answered well; or why nobody answered.
        """
        document = gateway.holds(instance, self.route.name)
        if document is None:
            return "refuses connections"
        for path in document.probe_paths:
            if path.token == token:
                return path.backend, self.seen_from(instance, document, path.backend) == "healthy"
        weighted = [name for name, weight in document.weights.items() if weight]
        return self.users_answer(instance, document, weighted[-1])

    def users_answer(self, instance: str, document: RouteDocument, side: str) -> tuple[str, bool]:
        """What a user meets whose request goes to a side: that side, or the one behind it."""
        if document.failover and self.seen_from(instance, document, side) in GONE:
            others = [name for name in document.weights if name != side]
            side = next((name for name in others if self.seen_from(instance, document, name) not in GONE), side)
        return side, self.seen_from(instance, document, side) == "healthy"

    def seen_from(self, instance: str, document: RouteDocument, side: str) -> str:
        """How a gateway instance finds the instance that a document means by a side."""
        backend = document.backend(side)
        if backend is None:
            return "absent"
        if self.cut_off and side == self.true_target[0] and instance == self.gateways[0].instances()[0]:
            return "dead"
        return self.health(side, backend.instance)

    def let_users_ask(self) -> None:
        """Users send requests through every gateway instance, all the time."""
        for gateway in self.gateways:
            for name, document in gateway.serving(self.route.name).items():
                for side, weight in document.weights.items():
                    if weight:
                        self._ask_as_user(gateway, name, document, side)

    def _ask_as_user(self, gateway: Gateway, name: str, document: RouteDocument, side: str) -> None:
        answering, well = self.users_answer(name, document, side)
        gateway._instances[name].requests[self.route.name, answering] += 1
        if not well:
            self.true_errors.add(side)

    def write(self, gateway: Gateway, document: RouteDocument, fence: Fence, base: int | None) -> int:
        """A steering adapter's `apply`, watched by who sees everything."""
        before = gateway.row(self.route.name)
        version = gateway.write(self.route.name, document, fence, base)
        if before is not None and version != before.version:
            self._watch_write(gateway, before, document, fence)
        return version

    def _watch_write(self, gateway: Gateway, before: Current, document: RouteDocument, fence: Fence) -> None:
        if fence < before.fence:
            raise Broken("stale-writer", f"a write under {fence} replaced one under {before.fence}")
        if before.document is None:
            return
        seen = (f"{gateway.name}/{self.route.name}", str(before.version)) in self.allowed
        if is_theirs(before.document.epoch) and self.located and not seen:
            raise Broken("drift", "somebody else's change was overwritten without being asked for")
        for side, weight in document.weights.items():
            # A late attempt of a step that was in its right, and that no newer write has shut out, is late, not wrong.
            passed = side in self.true_once if self.late else self.true_passed.get(side, False)
            if weight > before.document.weights.get(side, 0) and not passed:
                raise Broken("unproven-weight", f"{side} was given {weight} % without a proof that it is ready")
        for side, weight in before.document.weights.items():
            if weight > document.weights.get(side, 0) and not self.late:
                self.true_passed[side] = False

    # ---- records ---------------------------------------------------------------------------------------------------

    def claim_turn(self, fence: Fence) -> None:
        """As `relocate.store.relocations.Leases.advance`."""
        self.check_turn(fence)
        self.fence = (fence.lease, fence.sequence)

    def check_turn(self, fence: Fence) -> None:
        """As `relocate.store.relocations.check_turn`, in the transaction of what is changed."""
        if (fence.lease, fence.sequence) < self.fence:
            raise StaleFence(f"the application is at {self.fence}")
        if self.holder is None:
            raise StaleFence("the lease has been given back")

    def activate(self, cluster: str) -> None:
        """The placement there is the one that serves."""
        for name, placed in self.placements.items():
            placed.active = name == cluster

    def allow_what_stands(self) -> None:
        """What somebody wrote before the relocation looked is where it begins."""
        for gateway in self.gateways:
            row = gateway.row(self.route.name)
            if row is not None:
                self.allowed.add((f"{gateway.name}/{self.route.name}", str(row.version)))

    def keep_claims(self) -> None:
        """As `relocate.activities.record.keep_claims`."""
        if self.refuses_evidence:
            raise EvidenceNotStored("the database refuses")


def is_theirs(epoch: str) -> bool:
    """Whether somebody else wrote it."""
    return epoch.startswith(_THEIRS)


@remembered
def backend(cluster: str, instance: str) -> Backend:
    """An instance as routes name it."""
    return Backend(name=cluster, instance=instance, endpoints={"http": (ENDPOINT,)})


ENDPOINT = Endpoint(host="127.0.0.1", port=8080)


def begun(application: Application, gateways: Sequence[tuple[str, Sequence[str]]], clusters: Sequence[str]) -> World:
    """The application is placed on the first cluster, and runs."""
    world = World(application, [Gateway(name, instances) for name, instances in gateways])
    first = clusters[0]
    world.instances = {(cluster, STRANGER): "healthy" for cluster in clusters}
    world.strangers = len(clusters)
    world.instances[first, f"{APP}-first"] = "healthy"
    world.placements[first] = Placed(f"{APP}-first", active=True)
    document = written.document(world.route, documents.only(backend(first, f"{APP}-first")), "placed.0.1")
    for gateway in world.gateways:
        gateway.write(world.route.name, document, Fence(lease=0, sequence=1), None)
    return world


def configuration(gateways: Sequence[str], **policy: Any) -> Application:
    """The application, with one route at these gateways."""
    return Application.model_validate(
        {
            "name": APP,
            "workloads": {"memory": {}},
            "routes": [{"name": APP, "hosts": ["app.test"], "gateways": list(gateways), "ports": [{"name": "http"}]}],
            "readiness": {
                "probes": [{"kind": "http"}],
                "period_seconds": 1,
                "stable_seconds": 1,
                "deadline_seconds": 3,
            },
            "policy": {"probes_per_instance": 3, "bake_seconds": 1, "hold_seconds": 0, **policy},
        }
    )
