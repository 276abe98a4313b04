# SPDX-License-Identifier: Apache-2.0
"""The gate, and the quick look."""

from collections.abc import Mapping, Sequence

from readiness.gate import GateOutcome
from readiness.model import GateSpec
from relocate.activities import orders, readying
from relocate.phases import proof
from steering.model import Backend
from tests.modelcheck import gating
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import Gateway, World


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
    ready = ready_now(world, order.gate, order.side, order.token, order.waived_instances)
    return _gated(world, order, ready=ready, truly=_truly_ready(world, order.side))


def ready_now(world: World, spec: GateSpec, side: Backend, token: str | None, waived: Sequence[str]) -> bool:
    """Whether the side is found ready by a quick look."""
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
