# SPDX-License-Identifier: Apache-2.0
"""What activities do to the world, step by step: the effects of `relocate.activities` in their order, their real decisions.

Each is a generator. A `yield` is a moment at which anything else may happen, named after what comes next; a name that
begins with "look" says that nothing is changed any more from there on. It returns what the activity answers, and raises
the activity's own errors.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from readiness.gate import GateOutcome
from readiness.model import GateSpec
from relocate.activities import orders, proving, readying, steering
from relocate.activities.progress import Progress
from relocate.activities.ways import Stretch
from relocate.errors import Drifted, EvidenceNotStored, NotProven, StaleFence, TargetFailed, Unhealthy
from relocate.model.relocation import Phase, Status
from relocate.model.told import Told
from relocate.phases import documents, draining, judging, proof, teardown
from relocate.phases.judging import Judgement, Sample
from relocate.targets.contract import Decision, Ranked
from steering.errors import Rejected
from steering.fencing import Current
from steering.model import Backend, InstanceUsage, RouteDocument
from tests.modelcheck import gating, written
from tests.modelcheck.broken import Broken
from tests.modelcheck.world import GONE, Gateway, Placed, World, backend, is_theirs

Steps = Generator[str, None, Any]

LOOKS = 2
"""Looks at a write before its time is up; what does not come by then comes later than that."""


# ---- select ----------------------------------------------------------------------------------------------------------


def select(world: World, _: orders.SelectOrder) -> Steps:
    """See `relocate.activities.selection`: the source, as the routes name it, and the other clusters in order."""
    yield from ()
    cluster, placed = next((name, one) for name, one in world.placements.items() if one.active)
    runs = world.health(cluster, placed.instance) not in GONE
    epochs = {
        f"{gateway.name}/{world.route.name}": row.document.epoch
        for gateway in world.gateways
        if (row := gateway.row(world.route.name)) is not None and row.document is not None
    }
    world.located = True
    world.allow_what_stands()
    return orders.Selected(
        source=cluster,
        serving=orders.Serving(backend=backend(cluster, placed.instance)),
        sentence="" if runs else "it does not run",
        written=orders.Written(epochs=epochs),
        decision=_decision(tuple(sorted({name for name, _ in world.instances} - {cluster}))),
    )


@lru_cache
def _decision(names: tuple[str, ...]) -> Decision:
    return Decision(selector="model", ranked=tuple(Ranked(cluster=name, score=1.0) for name in names), sentence="so")


# ---- instances -------------------------------------------------------------------------------------------------------


def deploy(world: World, order: orders.InstanceOrder) -> Steps:
    """See `relocate.activities.instances`. A cluster needs a moment: whether it runs is asked later."""
    world.claim_turn(order.fence)
    world.true_target = (order.cluster, order.instance)
    world.true_made.add(world.true_target)
    yield "put the placement"
    world.check_turn(order.fence)
    world.placements[order.cluster] = Placed(order.instance, active=False)
    yield "deploy"
    world.advance(order.cluster, order.instance, order.fence)
    world.instances.setdefault((order.cluster, order.instance), "healthy")
    yield "see whether it is ours"
    placed = world.placements.get(order.cluster)
    if placed is None or placed.instance != order.instance:
        world.remove(order.cluster, order.instance, order.fence)
        raise StaleFence("it was removed before this attempt had made it")
    return orders.Deployed(serving=None)


def await_running(world: World, order: orders.InstanceOrder) -> Steps:
    """An instance that answers with errors runs all the same."""
    yield from ()
    if world.health(order.cluster, order.instance) in GONE:
        raise TargetFailed("it does not run")
    return orders.Serving(backend=backend(order.cluster, order.instance))


def remove(world: World, order: orders.RemoveOrder) -> Steps:
    """See `relocate.activities.instances`: removed, struck from the record, and looked at again.

    That it looks at its turn once more right before is left out: an attempt may hang after that look as well.
    """
    world.claim_turn(order.fence)
    yield "remove"
    world.remove(order.cluster, order.instance, order.fence)
    yield "forget the placement"
    world.check_turn(order.fence)
    world.keep_claims()
    world.placements.pop(order.cluster, None)
    if order.serves is not None:
        world.activate(order.serves)
    yield "remove again"
    world.remove(order.cluster, order.instance, order.fence)


def secure(world: World, order: orders.InstanceOrder) -> Steps:
    """See `relocate.activities.instances`."""
    world.claim_turn(order.fence)
    yield "tell the cluster"
    world.advance(order.cluster, order.instance, order.fence)
    yield "look whether it runs"
    if world.health(order.cluster, order.instance) in GONE:
        raise Unhealthy("it does not run")


def activate(world: World, order: orders.ActivateOrder) -> Steps:
    """See `relocate.activities.instances`."""
    world.claim_turn(order.fence)
    yield "activate"
    world.check_turn(order.fence)
    world.activate(order.active)


# ---- routes ----------------------------------------------------------------------------------------------------------


def steer(world: World, order: orders.SteerOrder) -> Steps:
    """See `relocate.activities.steering`."""
    world.claim_turn(order.fence)
    yield "read"
    epoch = documents.epoch_of(order.relocation, order.fence)
    stretches = [Stretch(world.route, gateway.name, gateway) for gateway in world.gateways]
    standing = [_standing(world, gateway) for gateway in world.gateways]
    _check_drift(world, order, list(zip(stretches, standing, strict=True)))
    sides = [steering._sides(order, found) for found in standing]
    wanted = [written.document(world.route, one, epoch) for one in sides]
    moves = any(_moves(found.document, one, order) for found, one in zip(standing, wanted, strict=True))
    if moves and not order.seen:
        raise Broken("live-means-all", "weights are moved by a write that is only acknowledged")
    progress: list[Progress] = []
    for stretch, found, document in zip(stretches, standing, wanted, strict=True):
        version = found.version
        if not (found.document == document and found.fence == order.fence):
            yield f"apply to {stretch.gateway}"
            version = str(world.write(stretch.adapter, document, order.fence, int(found.version)))
        progress.append(Progress(stretch, version, 0.0, document))
    yield "look whether it is live"
    world.keep_claims()
    for look in range(LOOKS):
        if look:
            yield "look whether it is live, again"
        for one in progress:
            _prove(world, order, one, epoch, moves=moves)
        if all(one.live for one in progress):
            break
    else:
        raise NotProven("not live in time")
    _watch_live(progress, epoch)
    world.keep_claims()
    if order.phase is Phase.SWITCH:
        world.true_errors.clear()
    return steering._steered(order, progress)


class Standing:
    """A `RouteState` without its validation."""

    drift = None

    def __init__(self, row: Current) -> None:
        """Args: row: the route's."""
        self.document, self.version, self.fence = row.document, str(row.version), row.fence


def _standing(world: World, gateway: Gateway) -> Standing:
    row = gateway.row(world.route.name)
    assert row is not None
    return Standing(row)


def _check_drift(world: World, order: orders.SteerOrder, standing: Sequence[tuple[Stretch, Standing]]) -> None:
    try:
        steering._check_drift(order, standing)
    except Drifted as drifted:
        world.shown |= {(key, version) for key, version in drifted.versions.items()}
        raise


def _moves(before: RouteDocument, after: RouteDocument, order: orders.SteerOrder) -> bool:
    """Whether users are sent elsewhere by a write. What stood before a repeated write, or theirs, is not known."""
    if before.epoch == after.epoch or is_theirs(before.epoch):
        return order.seen and order.healthy
    return _shares(before) != _shares(after)


def _shares(document: RouteDocument) -> dict[str, int]:
    return {side: weight for side, weight in document.weights.items() if weight}


def _prove(world: World, order: orders.SteerOrder, progress: Progress, epoch: str, *, moves: bool) -> None:
    gateway: Gateway = progress.stretch.adapter
    answers = gateway.stands(world.route.name, int(progress.version))
    unprovable = proof.is_waived(gateway.describe().rungs, unproven=order.unproven)
    for answer in answers:
        if unprovable or proof.why_not_acknowledged([answer]) is None:
            progress.acknowledged.setdefault(answer.instance, answer)
    waived = order.waived_instances
    progress.expected = proof.alive(answers, waived)
    if proof.is_rejected(answers, waived):
        raise Rejected(proof.why_not_acknowledged(answers, waived) or "rejected")
    for name in progress.acknowledged:
        if name not in progress.proven and name in progress.expected:
            _prove_instance(world, order, progress, name, epoch, moves=moves)


def _prove_instance(
    world: World, order: orders.SteerOrder, progress: Progress, name: str, epoch: str, *, moves: bool
) -> None:
    held = progress.stretch.adapter.holds(name, world.route.name)
    if order.seen or proof.is_waived(progress.stretch.adapter.describe().rungs, unproven=order.unproven):
        count = proving.answers_needed(progress.document.weights, order.probes)
        answers = ask(world, progress.stretch.adapter, name, count)
        fails = proof.is_failing(answers, epoch) and not (order.seen and order.healthy)
        if proof.why_not_seen(answers, epoch, progress.document.weights) is not None and not fails:
            return
    progress.proven[name] = 0.0
    if moves and (held is None or held.epoch != epoch):
        raise Broken("live-means-all", f"{name} was counted as live and routes by something else")
    if moves and any(world.seen_from(name, held, side) != "healthy" for side in _shares(held)):
        raise Broken("live-means-all", f"{name} was counted as live, and users fail by it")


def _watch_live(progress: Sequence[Progress], epoch: str) -> None:
    for one in progress:
        alive = one.stretch.adapter.alive()
        if not alive or not set(alive) <= one.proven.keys():
            raise Broken(
                "live-means-all", f"{epoch} was called live with {alive} serving and {list(one.proven)} proven"
            )


def ask(world: World, gateway: Gateway, instance: str, count: int) -> Sequence[proof.Answer]:
    """Answers on fresh connections, shared out exactly as the weights say."""
    document = gateway.holds(instance, world.route.name)
    if document is None:
        return [answered(instance, None, None, "refuses connections")]
    answers: list[proof.Answer] = []
    for side, weight in document.weights.items():
        if not weight:
            continue
        answering, well = world.users_answer(instance, document, side)
        health = "healthy" if well else world.seen_from(instance, document, answering)
        one = answered(instance, document.epoch, answering, None if health == "healthy" else health)
        if one.failure is not None:
            return [*answers, one]
        answers += [one] * round(count * weight / 100)
    return answers


@lru_cache(maxsize=4096)
def answered(instance: str, epoch: str | None, side: str | None, failure: str | None) -> proof.Answer:
    """One answer."""
    return proof.Answer(instance=instance, epoch=epoch, side=side, failure=failure)


# ---- readiness -------------------------------------------------------------------------------------------------------


def gate(world: World, order: orders.GateOrder) -> Steps:
    """See `relocate.activities.readying`: rounds of all checks, until the gate has something to say."""
    short = readying.why_too_small(order)
    if short is not None:
        return orders.Gated(ready=False, sentence=short)
    ways = _ways(world, order.waived_instances)
    state, now, well = gating.begin(tuple(ways)), 0.0, 0
    while True:
        state = gating.advance(order.gate, state, now, _round(world, ways, order.side, order.token))
        verdict = gating.judge(order.gate, state, now)
        well = well + 1 if _truly_ready(world, order.side) else 0
        if verdict.ended:
            break
        now += order.gate.period_seconds
        yield f"look again after {now:g} s"
    stable = (well - 1) * order.gate.period_seconds >= order.gate.stable_seconds
    return _gated(world, order, ready=verdict.outcome is GateOutcome.READY, truly=stable)


def health(world: World, order: orders.HealthOrder) -> Steps:
    """See `relocate.activities.readying`: a few looks in a row."""
    yield from ()
    ready = _quick(world, order.gate, order.side, order.token, order.waived_instances)
    return _gated(world, order, ready=ready, truly=_truly_ready(world, order.side))


def _gated(world: World, order: orders.GateOrder | orders.HealthOrder, *, ready: bool, truly: bool) -> orders.Gated:
    world.true_passed[order.side.name] = ready and truly
    if ready and truly:
        world.true_once.add(order.side.name)
    world.keep_claims()
    return orders.Gated(ready=ready, sentence=f"{order.side.name}: {'ready' if ready else 'not ready'}")


def _truly_ready(world: World, side: Backend) -> bool:
    """It is healthy, and every gateway instance that serves (and does not lie) leads to it by a probe path."""
    reached = [
        any(path.backend == side.name for path in document.probe_paths)
        and document.backend(side.name) == side
        and world.seen_from(name, document, side.name) == "healthy"
        for gateway in world.gateways
        for name, document in gateway.serving(world.route.name).items()
        if name not in gateway.stale
    ]
    serves = any(gateway.alive() for gateway in world.gateways)
    return world.health(side.name, side.instance) == "healthy" and serves and all(reached)


def _quick(world: World, spec: GateSpec, side: Backend, token: str | None, waived: Sequence[str]) -> bool:
    spec = gating.quick(spec)
    ways = _ways(world, waived)
    state = gating.begin(tuple(ways))
    said = _round(world, ways, side, token)
    for look in range(readying.LOOKS + 1):
        state = gating.advance(spec, state, look * spec.period_seconds, said)
        verdict = gating.judge(spec, state, look * spec.period_seconds)
        if verdict.ended:
            break
    return verdict.outcome is GateOutcome.READY


def _ways(world: World, waived: Sequence[str]) -> dict[str, tuple[Gateway, str] | None]:
    """Names of the checks, each with the gateway instance that it is asked through."""
    ways: dict[str, tuple[Gateway, str] | None] = {"http direct": None}
    for gateway in world.gateways:
        row = gateway.row(world.route.name)
        counted = proof.alive(gateway.stands(world.route.name, row.version if row else 0), waived)
        ways |= {f"http via {name}": (gateway, name) for name in counted}
        if not counted:
            ways["http via gateways"] = None
    return ways


def _round(
    world: World, ways: Mapping[str, tuple[Gateway, str] | None], side: Backend, token: str | None
) -> tuple[bool, ...]:
    """Whether each check was answered well."""
    said: list[bool] = []
    for name, way in ways.items():
        if way is not None:
            answer = world.answers_from(way[0], way[1], token)
            said.append(not isinstance(answer, str) and answer[1])
        else:
            said.append(name == "http direct" and world.health(side.name, side.instance) == "healthy")
    return tuple(said)


# ---- judging, draining, the last look --------------------------------------------------------------------------------

BASELINE = Sample(requests=100, errors=0, p99_seconds=0.01, p99_at_least_seconds=0.01)
GOOD = BASELINE
FAILED = Sample(requests=100, errors=50, p99_seconds=0.01, p99_at_least_seconds=0.01)
FEW = Sample(requests=1, errors=0)


def judge(world: World, order: orders.JudgeOrder) -> Steps:
    """See `relocate.activities.judging`: looks until the time is over; the first one that condemns ends it."""
    name, instance = order.side.name, order.side.instance
    for look in range(2):
        if look:
            yield "look at the end of the time"
        world.let_users_ask()
        well = world.health(name, instance) == "healthy"
        sample = FAILED if name in world.true_errors else FEW if world.few_samples else GOOD
        strays = 0 if well or not order.whole else 50
        against = (
            judging.judge_checks(0 if well else judging.FAILED_ROUNDS, "not ready", name)
            or judging.judge_fallback(strays, 100, name)
            or judging.judge_counted(order.limits, BASELINE, sample, name)
        )
        judged = against or judging.judge(order.limits, BASELINE, sample, name)
        if judged.judgement is Judgement.BAD:
            break
    if order.whole:
        world.true_baked = well and sample is GOOD
    world.keep_claims()
    return judged


def drain(world: World, order: orders.DrainOrder) -> Steps:
    """See `relocate.activities.draining`, counting once a window."""
    state, now = draining.DrainState(), 0.0
    while True:
        usage = [one for gateway in world.gateways for one in _usage(world, gateway, order)]
        state = draining.count(state, usage, now)
        drained = draining.is_drained(state, now, order.drain.window_seconds)
        if drained or (order.drain.at_deadline != "wait" and now >= order.drain.deadline_seconds):
            break
        yield f"look again after {now:g} s"
        world.let_users_ask()
        now += max(order.drain.window_seconds, 1.0)
    world.true_drained[order.side] = drained and _truly_unused(world, order.side)
    if not drained and order.drain.at_deadline == "force":
        world.true_forced = True
    world.keep_claims()
    return orders.Drained(drained=drained, left=state.left, sentence=f"{order.side}: {state.sentence}")


def _usage(world: World, gateway: Gateway, order: orders.DrainOrder) -> Sequence[InstanceUsage]:
    row = gateway.row(world.route.name)
    alive = proof.alive(gateway.stands(world.route.name, row.version if row else 0), order.waived_instances)
    return [gateway.count(name, world.route.name, order.side) for name in alive]


def _truly_unused(world: World, side: str) -> bool:
    return all(
        not gateway._instances[name].streams[world.route.name, side]
        and name not in gateway.uncounted
        and not document.weights.get(side)
        for gateway in world.gateways
        for name, document in gateway.serving(world.route.name).items()
    )


def check(world: World, order: orders.CheckOrder) -> Steps:
    """See `relocate.activities.checking`; what is asked at the same time there, one after the other here."""
    acknowledged = [_why_not_acknowledged(world, order, gateway) for gateway in world.gateways]
    truly = _truly_forgotten(world, order)
    yield "look whether it is seen"
    seen = [_why_not_seen(world, order, gateway) for gateway in world.gateways]
    yield "look whether the target is healthy"
    target = order.target
    well = _quick(world, order.gate, target, None, order.waived_instances)
    truly = truly and world.health(target.name, target.instance) == "healthy" and target.name not in world.true_errors
    checked = teardown.Checked(
        acknowledged=teardown.join_reasons(acknowledged),
        seen=teardown.join_reasons(seen),
        target_healthy=None if well else "it does not answer well",
        drained=order.drained,
        watched="the prober saw requests fail" if target.name in world.true_errors else None,
        cut=order.cut,
        evidence_stored=_stored(world),
    )
    why_not = teardown.why_not_teardown(checked, order.waivers)
    world.true_checked = why_not is None and truly and not world.refuses_evidence
    return orders.Verdict(why_not=why_not, sentence=why_not or "nothing speaks against it")


def _why_not_acknowledged(world: World, order: orders.CheckOrder, gateway: Gateway) -> str | None:
    standing = _standing(world, gateway)
    epoch = order.written.epochs.get(f"{gateway.name}/{world.route.name}")
    known = teardown.why_not_forgotten(standing, order.source, epoch, gateway.name)
    if known is None and proof.is_waived(gateway.describe().rungs, unproven=order.waivers.unproven):
        return None
    stands = gateway.stands(world.route.name, int(standing.version))
    return known or proof.why_not_acknowledged(stands, order.waived_instances)


def _why_not_seen(world: World, order: orders.CheckOrder, gateway: Gateway) -> str | None:
    row = gateway.row(world.route.name)
    stands = gateway.stands(world.route.name, row.version if row else 0)
    needed = proof.alive(stands, order.waived_instances)
    if not needed:
        return f"no instance of {gateway.name} could be asked"
    epoch = order.written.epochs.get(f"{gateway.name}/{world.route.name}", "")
    weights = {order.target.name: 100}
    return teardown.join_reasons(
        [proof.why_not_seen(ask(world, gateway, name, order.probes), epoch, weights) for name in needed]
    )


def _truly_forgotten(world: World, order: orders.CheckOrder) -> bool:
    """Every gateway instance that serves anybody routes by our last write, which knows the target only.

    Where no adapter can prove that by acknowledgement, the policy has to allow it besides.
    """
    epochs = [
        (held.epoch, order.written.epochs.get(f"{gateway.name}/{world.route.name}"), set(held.weights))
        for gateway in world.gateways
        for held in gateway.serving(world.route.name).values()
    ]
    provable = not any(gateway.mute for gateway in world.gateways) or world.application.policy.unproven == "allow"
    return (
        provable
        and bool(epochs)
        and all(epoch == ours and sides == {order.target.name} for epoch, ours, sides in epochs)
    )


def _stored(world: World) -> bool:
    try:
        world.keep_claims()
    except EvidenceNotStored:
        return False
    return True


# ---- the rest --------------------------------------------------------------------------------------------------------


def transfer(world: World, order: orders.TransferOrder) -> Steps:
    """See `relocate.activities.transferring`; the source freezes, and resumes."""
    world.claim_turn(order.fence)
    yield "call the hook"
    if world.health(order.source.name, order.source.instance) != "healthy":
        raise NotProven("the hook failed")
    if order.path == "/freeze":
        world.frozen = True
    elif order.path == "/resume":
        world.frozen = False
    yield "look whether it can be kept"
    world.keep_claims()


def record(world: World, order: orders.RecordOrder) -> Steps:
    """See `relocate.activities.record`."""
    yield from ()
    keep(world, order.told)


def keep(world: World, told: Sequence[Told]) -> None:
    """What an order brings along is kept before anything else is done; the last view gives the lease back."""
    for one in told:
        if one.view.status is Status.FINISHED and world.holder == one.view.id:
            world.holder = None


STEPS: dict[str, Callable[[World, Any], Steps]] = {
    "select": select,
    "deploy": deploy,
    "await_running": await_running,
    "remove": remove,
    "secure": secure,
    "activate": activate,
    "steer": steer,
    "gate": gate,
    "health": health,
    "judge": judge,
    "drain": drain,
    "check": check,
    "transfer": transfer,
    "record": record,
}
"""By name of the activity, as `relocate.activities.calls` knows it. `watch` does nothing to the world."""
