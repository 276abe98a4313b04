# SPDX-License-Identifier: Apache-2.0
"""What may happen to the world while a relocation runs, by nobody's doing."""

from collections.abc import Callable
from typing import NamedTuple

from tests.modelcheck.world import Gateway, World


class Event(NamedTuple):
    """Something that may happen."""

    name: str
    possible: Callable[[World], bool]
    happen: Callable[[World], None]
    free: bool = False
    """It only ends what went wrong, and so is not counted."""


def _edge(world: World) -> Gateway:
    return world.gateways[0]


def _first(world: World) -> str:
    return _edge(world).instances()[0]


def _falls(side: str, health: str) -> Event:
    def which(world: World) -> tuple[str, str]:
        return world.true_source if side == "source" else world.true_target

    def possible(world: World) -> bool:
        return world.instances.get(which(world)) == "healthy"

    def happen(world: World) -> None:
        world.instances[which(world)] = health

    return Event(f"the {side} is {health}", possible, happen)


def _recovers(side: str) -> Event:
    def which(world: World) -> tuple[str, str]:
        return world.true_source if side == "source" else world.true_target

    def possible(world: World) -> bool:
        return world.instances.get(which(world), "healthy") != "healthy"

    def happen(world: World) -> None:
        world.instances[which(world)] = "healthy"

    return Event(f"the {side} recovers", possible, happen)


def _ails(world: World) -> bool:
    edge, name = _edge(world), _first(world)
    found = edge._instances[name]
    return found.deaf or found.dead or name in edge.lagging or name in edge.refusals or name in edge.uncounted


def _cut(world: World) -> None:
    _edge(world).cut(_first(world))


def _kill(world: World) -> None:
    _edge(world).kill(_first(world))


def _lag(world: World) -> None:
    _edge(world).lagging.add(_first(world))


def _reject(world: World) -> None:
    _edge(world).refusals[_first(world)] = "it does not like it"


def _stop_counting(world: World) -> None:
    _edge(world).uncounted.add(_first(world))


def _lie(world: World) -> None:
    _edge(world).stale.add(_first(world))


def _heal(world: World) -> None:
    edge, name = _edge(world), _first(world)
    edge.refusals.pop(name, None)
    edge.uncounted.discard(name)
    edge.catch_up(name)
    edge.heal(name)


def _write(world: World) -> None:
    row = _edge(world).row(world.route.name)
    assert row is not None
    assert row.document is not None
    sides = list(row.document.weights)
    shares = dict(zip(sides, (50, 50) if len(sides) > 1 else (100,), strict=True))
    theirs = row.document.model_copy(update={"weights": shares, "epoch": world.their_epoch()})
    _edge(world).replace(theirs)


def _refuse(world: World) -> None:
    world.refuses_evidence = True


def _accept(world: World) -> None:
    world.refuses_evidence = False


def _few(world: World) -> None:
    world.few_samples = True


def _enough(world: World) -> None:
    world.few_samples = False


def _stream_on(world: World) -> tuple[str, str] | None:
    """Where a stream could begin on the source: the first gateway instance that sends users there."""
    for name, document in _edge(world).serving(world.route.name).items():
        if document.weights.get(world.true_source[0]):
            return name, world.true_source[0]
    return None


def _open(world: World) -> None:
    where = _stream_on(world)
    assert where is not None
    _edge(world)._instances[where[0]].streams[world.route.name, where[1]] += 1
    world.streams += 1


def _close(world: World) -> None:
    world.streams = 0
    for found in _edge(world)._instances.values():
        found.streams.clear()


def _cut_off(world: World) -> None:
    world.cut_off = True


def _reach(world: World) -> None:
    world.cut_off = False


EVENTS = (
    _falls("target", "dead"),
    _falls("target", "sick"),
    _falls("source", "dead"),
    _falls("source", "sick"),
    _recovers("target"),
    _recovers("source"),
    Event("a gateway instance is deaf", lambda w: not _ails(w), _cut),
    Event("a gateway instance dies", lambda w: not _ails(w), _kill),
    Event("a gateway instance lags", lambda w: not _ails(w), _lag),
    Event("a gateway instance rejects", lambda w: not _ails(w), _reject),
    Event("a gateway instance cannot be counted", lambda w: not _ails(w), _stop_counting),
    Event("a gateway instance acknowledges and goes on as before", lambda w: not _edge(w).stale, _lie),
    Event("the gateway instance heals", _ails, _heal),
    Event("a gateway instance does not reach the target", lambda w: not w.cut_off and w.true_target[0] != "", _cut_off),
    Event("the gateway instance reaches the target again", lambda w: w.cut_off, _reach),
    Event("somebody else writes", lambda w: w.located and w.is_ours(_edge(w)), _write),
    Event("evidence is refused", lambda w: not w.refuses_evidence, _refuse),
    Event("evidence is taken again", lambda w: w.refuses_evidence, _accept, free=True),
    Event("too few requests are seen", lambda w: not w.few_samples, _few),
    Event("enough requests are seen", lambda w: w.few_samples, _enough, free=True),
    Event("a stream stays on the source", lambda w: not w.streams and _stream_on(w) is not None, _open),
    Event("the stream ends", lambda w: w.streams > 0, _close, free=True),
)
